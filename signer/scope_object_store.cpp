#include "signer/scope_object_store.hpp"

#include "signer/host_name.hpp"

namespace countersign::signer {
namespace {

using std::string_view;

// "name" or "name-fips"
bool is_with_fips(string_view label, string_view name) noexcept {
    return label.starts_with(name) && (label.size() == name.size() || label.substr(name.size()) == "-fips");
}

// The partition's home, for what S3 itself has to say is elsewhere: the bucket of this name.
scope_answer bucket_anywhere(partition_index partition) noexcept {
    return host_scope{"s3", partition_home(partition), partition_name(partition), false, true};
}

} // namespace

string_view object_store_named(string_view label) noexcept {
    if (!label.starts_with("s3")) {
        return {};
    }
    if (is_with_fips(label, "s3") || is_with_fips(label, "s3-accesspoint") || is_with_fips(label, "s3-control") ||
        label == "s3-accelerate") {
        return "s3";
    }
    if (is_with_fips(label, "s3-object-lambda")) {
        return "s3-object-lambda";
    }
    if (is_with_fips(label, "s3-outposts")) {
        return "s3-outposts";
    }
    return label.starts_with("s3express-") ? string_view("s3express") : string_view();
}

std::optional<scope_answer> object_store_without_region(const dns_suffix& suffix, string_view name) noexcept {
    const bool is_dual_stack = last_label(name) == "dualstack";
    const string_view plain = is_dual_stack ? without_last(name) : name;
    const string_view label = last_label(plain);
    const bool has_bucket = !without_last(plain).empty();
    if (label == "s3-accelerate" && suffix.partition != aws_cn) { // China alone has none in the rule sets
        return has_bucket ? bucket_anywhere(suffix.partition)
                          : signed_for("s3", partition_home(suffix.partition), suffix.partition);
    }
    if (is_dual_stack || !label.starts_with("s3")) {
        return std::nullopt;
    }
    if (label.starts_with("s3-website")) {
        return not_ours;
    }
    if (suffix.partition == aws && is_one_of(label, {"s3", "s3-external-1"})) {
        return has_bucket && label == "s3" ? bucket_anywhere(aws) : signed_for("s3", partition_home(aws), aws);
    }
    // The old spelling, with the region in the service's label: s3-eu-west-1, s3-fips-us-gov-west-1
    for (const string_view front : {"s3-fips-", "s3-"}) {
        const string_view region = label.starts_with(front) ? label.substr(front.size()) : string_view();
        if (const auto partition = region_below(suffix, region)) {
            return signed_for("s3", region, *partition);
        }
    }
    return std::nullopt;
}

} // namespace countersign::signer
