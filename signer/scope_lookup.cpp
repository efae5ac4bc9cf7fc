#include "signer/scope_lookup.hpp"

#include "signer/host_name.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>

namespace countersign::signer {
namespace {

struct partition_row {
    std::string_view name;
    std::string_view suffix;
    std::string_view dual_stack_suffix;
    std::string_view home;
};

struct region_row {
    std::string_view prefix;
    partition_index partition;
};

struct name_row {
    std::string_view name;
    std::string_view service;
};

struct home_row {
    std::string_view name;
    partition_index partition;
    std::string_view region;
    bool region_first;
};

struct protocol_row {
    std::string_view service;
    wire_protocol protocol;
};

#include "signer/scope_table.inc"

static_assert(partition_rows[aws].name == "aws" && partition_rows[aws_cn].name == "aws-cn");
static_assert(partition_rows[aws_us_gov].name == "aws-us-gov" && partition_rows[aws_eusc].name == "aws-eusc");

// Suffixes that the descriptions do not name.
constexpr dns_suffix other_suffixes[] = {
    {"on.aws", domain::resources, aws},
    {"on.amazonwebservices.com.cn", domain::resources, aws_cn},
    {"on.amazonwebservices.eu", domain::resources, aws_eusc},
    {"signin.aws.amazon.com", domain::sign_in, aws},
    {"signin.amazonaws.cn", domain::sign_in, aws_cn},
    {"signin.amazonaws-us-gov.com", domain::sign_in, aws_us_gov},
    {"compute.internal", domain::customers},
    {"ec2.internal", domain::customers},
    {"cloudfront.net", domain::customers},
    {"elasticbeanstalk.com", domain::customers},
    {"awsglobalaccelerator.com", domain::customers},
    {"amplifyapp.com", domain::customers},
    {"awsapprunner.com", domain::customers},
    {"awsapps.com", domain::customers},
};

bool is_below(std::string_view host, std::string_view suffix) noexcept {
    return host.size() > suffix.size() && host[host.size() - suffix.size() - 1] == '.' && host.ends_with(suffix);
}

// Slots of an open-addressed hash table over endpoint_rows, filled by the compiler; 0 is an empty slot.
constexpr std::size_t slot_count = 2048;

// The length and both ends tell the names apart well enough; the rest is left to the comparison.
constexpr std::size_t slot_of(std::string_view name) noexcept {
    std::uint64_t mixed = name.size();
    const std::size_t end = std::min<std::size_t>(name.size(), 5);
    for (std::size_t i = 0; i < end; ++i) {
        const auto front = static_cast<unsigned char>(name[i]);
        const auto back = static_cast<unsigned char>(name[name.size() - 1 - i]);
        mixed = mixed * 31 + front + (std::uint64_t{back} << 32);
    }
    return (mixed * 0x9e3779b97f4a7c15u >> 40) % slot_count;
}

constexpr std::array<std::uint16_t, slot_count> made_slots() {
    std::array<std::uint16_t, slot_count> slots{};
    for (std::size_t i = 0; i < std::size(endpoint_rows); ++i) {
        std::size_t slot = slot_of(endpoint_rows[i].name);
        while (slots[slot] != 0) {
            slot = (slot + 1) % slot_count;
        }
        slots[slot] = static_cast<std::uint16_t>(i + 1);
    }
    return slots;
}

constexpr auto endpoint_slots = made_slots();

// What all of this takes in the program: the rows, and the text that they point to.
constexpr std::size_t table_bytes() {
    std::size_t n = sizeof endpoint_rows + sizeof labelled_rows + sizeof home_rows + sizeof host_rows +
                    sizeof protocol_rows + sizeof partition_rows + sizeof region_rows + sizeof endpoint_slots;
    for (const auto& table : {std::span<const name_row>(endpoint_rows), std::span<const name_row>(labelled_rows)}) {
        for (const name_row& row : table) {
            n += row.name.size() + row.service.size() + 2;
        }
    }
    for (const home_row& row : home_rows) {
        n += row.name.size() + row.region.size() + 2;
    }
    for (const host_row& row : host_rows) {
        n += row.host.size() + row.service.size() + row.region.size() + 3;
    }
    for (const protocol_row& row : protocol_rows) {
        n += row.service.size() + 1;
    }
    return n;
}
static_assert(table_bytes() < 64 * 1024);

const name_row* exact_name(std::string_view name) noexcept {
    for (std::size_t slot = slot_of(name); endpoint_slots[slot] != 0; slot = (slot + 1) % slot_count) {
        const name_row& row = endpoint_rows[endpoint_slots[slot] - 1];
        if (row.name == name) {
            return &row;
        }
    }
    return nullptr;
}

const home_row* home_of(std::string_view name, partition_index partition) noexcept {
    const auto by_name = [](const home_row& row, std::string_view wanted) { return row.name < wanted; };
    auto row = std::lower_bound(std::begin(home_rows), std::end(home_rows), name, by_name);
    for (; row != std::end(home_rows) && row->name == name; ++row) {
        if (row->partition == partition) {
            return row;
        }
    }
    return nullptr;
}

constexpr std::size_t longest_name = 64;

// runtime-fips.lex → runtime.lex, fips.batch → batch, sqs-fips → sqs. Written to `out`; "" when it is no FIPS
// name.
std::string_view without_fips(std::string_view name, std::array<char, longest_name>& out) noexcept {
    constexpr std::string_view in_front = "fips.";
    constexpr std::string_view behind = "-fips";
    if (name.starts_with(in_front)) {
        return name.substr(in_front.size());
    }
    const auto found = name.find(behind);
    const auto end = found + behind.size();
    const bool ends_a_label = found != std::string_view::npos && (end == name.size() || name[end] == '.');
    if (!ends_a_label || name.size() > out.size()) {
        return {};
    }
    const auto middle = std::copy_n(name.begin(), found, out.begin());
    const auto last = std::copy(name.begin() + static_cast<std::ptrdiff_t>(end), name.end(), middle);
    return {out.data(), static_cast<std::size_t>(last - out.begin())};
}

// "-1", "-12": where the number of a region begins, npos without one.
std::size_t number_at(std::string_view label) noexcept {
    const auto dash = label.rfind('-');
    const bool is_number = dash != std::string_view::npos && dash + 1 < label.size() &&
                           label.find_first_not_of("0123456789", dash + 1) == std::string_view::npos;
    return is_number ? dash : std::string_view::npos;
}

} // namespace

std::string_view partition_name(partition_index index) noexcept {
    return partition_rows[index].name;
}

std::string_view partition_home(partition_index index) noexcept {
    return partition_rows[index].home;
}

std::optional<dns_suffix> suffix_of(std::string_view host) noexcept {
    for (const partition_row& row : partition_rows) {
        const auto index = static_cast<partition_index>(&row - partition_rows);
        if (is_below(host, row.suffix)) {
            return dns_suffix{row.suffix, domain::standard, index};
        }
        if (is_below(host, row.dual_stack_suffix)) {
            return dns_suffix{row.dual_stack_suffix, domain::dual_stack, index};
        }
    }
    for (const dns_suffix& other : other_suffixes) {
        if (is_below(host, other.text)) {
            return other;
        }
    }
    return std::nullopt;
}

// PREFIX-word-number, with the prefixes of scope_table.inc: regions that do not exist yet are of this form
// too.
std::optional<partition_index> partition_of(std::string_view region) noexcept {
    const auto number = number_at(region);
    if (number == std::string_view::npos || number == 0) {
        return std::nullopt;
    }
    const auto dash = region.rfind('-', number - 1);
    if (dash == std::string_view::npos || dash + 1 == number) {
        return std::nullopt;
    }
    const std::string_view prefix = region.substr(0, dash);
    const auto found = std::find_if(std::begin(region_rows), std::end(region_rows), [&](const region_row& row) {
        return row.prefix == prefix;
    });
    return found != std::end(region_rows) ? std::optional(found->partition) : std::nullopt;
}

partition_suffixes suffixes_of(partition_index index) noexcept {
    return {partition_rows[index].suffix, partition_rows[index].dual_stack_suffix};
}

std::optional<partition_index> region_below(const dns_suffix& suffix, std::string_view label) noexcept {
    const auto found = partition_of(label);
    const bool is_at_home = found && partition_rows[*found].suffix == partition_rows[suffix.partition].suffix;
    return is_at_home ? found : std::nullopt;
}

named_service service_named(std::string_view name, partition_index partition) noexcept {
    const name_row* row = exact_name(name);
    if (row == nullptr) {
        std::array<char, longest_name> buffer;
        const std::string_view plain = without_fips(name, buffer);
        row = plain.empty() ? nullptr : exact_name(plain);
    }
    if (row == nullptr) {
        return {};
    }
    const home_row* const home = home_of(row->name, partition);
    return home == nullptr ? named_service{row->service, {}}
                           : named_service{row->service, home->region, home->region_first};
}

std::string_view service_behind_label(std::string_view name) noexcept {
    std::array<char, longest_name> buffer;
    const std::string_view plain = without_fips(name, buffer);
    const auto found = std::find_if(std::begin(labelled_rows), std::end(labelled_rows), [&](const name_row& row) {
        return row.name == name || row.name == plain;
    });
    return found == std::end(labelled_rows) ? std::string_view() : found->service;
}

bool is_customers(std::string_view label) noexcept {
    static constexpr std::string_view labels[] = {
        "cache",
        "compute",
        "compute-1",
        "dax-clusters",
        "docdb",
        "docdb-elastic",
        "eks",
        "elb",
        "memorydb",
        "mq",
        "rds",
        "redshift",
        "redshift-serverless",
        "s3-website"};
    return std::find(std::begin(labels), std::end(labels), label) != std::end(labels);
}

bool takes_no_signature(std::string_view name) noexcept {
    static constexpr std::string_view names[] = {
        "account-access-runtime",
        "account-access-runtime-fips",
        "codecatalyst-fips.global",
        "codecatalyst.global",
        "credentials.iot",
        "d.codeartifact",
        "dkr.ecr",
        "dkr.ecr-fips",
        "email-smtp",
        "email-smtp-fips",
        "git-codecommit",
        "git-codecommit-fips",
        "inbound-smtp",
        "knowledge-mcp.global",
    };
    const auto is_among = [](std::string_view n) { return std::ranges::find(names, n) != std::end(names); };
    return is_among(name) || is_among(without_first(name));
}

const host_row* host_without_region(std::string_view host) noexcept {
    const auto by_host = [](const host_row& row, std::string_view wanted) { return row.host < wanted; };
    const auto row = std::lower_bound(std::begin(host_rows), std::end(host_rows), host, by_host);
    return row != std::end(host_rows) && row->host == host ? row : nullptr;
}

std::optional<wire_protocol> xml_of(std::string_view service) noexcept {
    const auto by_service = [](const protocol_row& row, std::string_view wanted) { return row.service < wanted; };
    const auto row = std::lower_bound(std::begin(protocol_rows), std::end(protocol_rows), service, by_service);
    return row != std::end(protocol_rows) && row->service == service ? std::optional(row->protocol) : std::nullopt;
}

} // namespace countersign::signer
