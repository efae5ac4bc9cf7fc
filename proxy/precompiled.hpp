// Compiled once per target: what the files of proxy/ that wait and forward include beside the standard library.
#pragma once

#include "chain/precompiled.hpp"
#include "conf/config.hpp"
#include "signer/key.hpp"
#include "signer/sigv4.hpp"
#include "signer/verify.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <spdlog/spdlog.h>
