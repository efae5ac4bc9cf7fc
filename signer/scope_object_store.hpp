// The host names of S3. Pure, no allocation; any thread.
#pragma once

#include "signer/scope_answer.hpp"

#include <optional>

namespace countersign::signer {

// Signing name of the label that stands for S3 in front of a region ("dualstack" taken off); "" for other
// services. s3, s3-fips, s3-accesspoint, s3-control → s3; s3express-use1-az4 → s3express
// (bucket--use1-az4--x-s3.s3express-…)
std::string_view object_store_named(std::string_view label) noexcept;

// S3 without a region label of its own, `name` being what stands in front of `suffix`; nothing when it is another
// service. bucket.s3.amazonaws.com, bucket.s3-accelerate.dualstack.amazonaws.com, bucket.s3-eu-west-1.amazonaws.com
std::optional<scope_answer> object_store_without_region(const dns_suffix& suffix, std::string_view name) noexcept;

} // namespace countersign::signer
