// The pure part of `countersign presign`: URL, credentials and time in, presigned URL out. Throws std::exception with
// one line for the user; wrong_usage where the arguments are at fault. Never shortens what was asked for.
#pragma once

#include "chain/credentials.hpp"
#include "proxy/commands.hpp"
#include "proxy/wrong_usage.hpp"

#include <chrono>
#include <string>

namespace countersign::proxy {

struct presigned {
    std::string url;
    std::string warning; // "" or one line: the URL is right, but ends with the credentials before its time
};

// `now` is the time of the signature unless the arguments say another one. A lifetime that was asked for and that the
// credentials do not have is an error; the default lifetime only earns a warning.
presigned presigned_url(const presign_arguments& a, const chain::credentials& who, std::chrono::sys_seconds now);

} // namespace countersign::proxy
