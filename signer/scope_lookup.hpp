// Lookups in the generated table (scope_table.inc): names, regions, DNS suffixes. Pure, no allocation. Any
// thread.
#pragma once

#include "signer/wire_protocol.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::signer {

// Index into the partitions. Two may share their DNS suffixes: aws and aws-us-gov.
using partition_index = std::uint8_t;
constexpr partition_index aws = 0;
constexpr partition_index aws_cn = 1;
constexpr partition_index aws_us_gov = 2;
constexpr partition_index aws_eusc = 7;

std::string_view partition_name(partition_index index) noexcept;

// The region that the partition's global services are signed for, unless the table names another.
std::string_view partition_home(partition_index index) noexcept;

enum class domain : std::uint8_t {
    standard,   // amazonaws.com and its like in other partitions
    dual_stack, // api.aws
    resources,  // on.aws: endpoints of customers' functions, domains, services
    sign_in,    // REGION.signin.aws.amazon.com
    customers,  // nothing there is an AWS API: cloudfront.net
};

struct dns_suffix {
    std::string_view text;
    domain kind = domain::standard;
    partition_index partition = aws; // the first of those that use the suffix
};

// The suffix of a host that has at least one label in front of it; nothing when AWS does not own the name.
std::optional<dns_suffix> suffix_of(std::string_view host) noexcept;

// eu-west-1, us-gov-east-1, ap-nowhere-9 → the partition; nothing when the label is not of a region's form or
// its partition has another suffix than this one.
std::optional<partition_index> region_below(const dns_suffix& suffix, std::string_view label) noexcept;

// The same without a suffix beside it: us-iso-east-1 → aws-iso; nothing when the label is not of a region's form.
std::optional<partition_index> partition_of(std::string_view region) noexcept;

// What the names of a partition's endpoints end with: "amazonaws.com" and "api.aws".
struct partition_suffixes {
    std::string_view standard;
    std::string_view dual_stack;
};
partition_suffixes suffixes_of(partition_index index) noexcept;

struct named_service {
    std::string_view service;  // signing name; "" when the endpoint's name is not known
    std::string_view home;     // the one region that a global service is signed for; "" for a regional one
    bool region_first = false; // a region in the host's name comes before `home`
};

// `name` is what stands in front of the region, also in its FIPS spellings: runtime-fips.lex → lex.
named_service service_named(std::string_view name, partition_index partition) noexcept;

// Signing name of an endpoint that stands behind a label of the customer's (abc123.NAME); "" when it is not
// known.
std::string_view service_behind_label(std::string_view name) noexcept;

// Labels beside a region where somebody's own machine answers: db-1.abc.eu-west-1.rds, name-1.eu-west-1.elb,
// ec2-1-2-3-4.eu-west-1.compute, db-1.abc.rds.cn-north-1. Without more labels such a name may be an API.
bool is_customers(std::string_view label) noexcept;

// Names of AWS's in front of a region behind which SigV4 is not spoken: 123456789012.dkr.ecr (Docker's tokens),
// abc.credentials.iot (certificates), email-smtp and git-codecommit (passwords), codecatalyst.global and
// domain-123456789012.d.codeartifact, aa-1b2c3d.account-access-runtime (tokens), knowledge-mcp.global (nothing).
bool takes_no_signature(std::string_view name) noexcept;

struct host_row {
    std::string_view host;
    std::string_view service;
    std::string_view region;
    partition_index partition;
};

// Whole host names that have no region in them: iam.amazonaws.com. nullptr when there is none.
const host_row* host_without_region(std::string_view host) noexcept;

// The kind of XML in which the service's clients expect errors; nothing for all others.
std::optional<wire_protocol> xml_of(std::string_view service) noexcept;

} // namespace countersign::signer
