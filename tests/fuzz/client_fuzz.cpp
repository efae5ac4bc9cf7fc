// A client's signature holds for one request: whatever is accepted asks for the same as the request that was signed
// (AWS's example for IAM ListUsers), however it is spelled. The seed is that request.
#include "proxy/rules/tenant.hpp"
#include "signer/encode.hpp"
#include "signer/sha256.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace countersign;
using namespace countersign::proxy;
using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds when = std::chrono::sys_days{std::chrono::year{2015} / 8 / 30} + 12h + 36min;

void require(bool holds) {
    if (!holds)
        std::abort();
}

std::string decoded(std::string_view text, signer::plus_sign plus) {
    std::string plain;
    for (std::size_t i = 0; i < text.size();)
        plain += signer::decode_next(text, i, plus);
    return plain;
}

std::vector<std::string> pairs_of(std::string_view query) {
    std::vector<std::string> pairs;
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        if (end != 0)
            pairs.push_back(decoded(query.substr(0, end), signer::plus_sign::blank));
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    std::sort(pairs.begin(), pairs.end());
    return pairs;
}

std::string value_of(const inbound& in, std::string_view name) {
    std::string all;
    for (const field& f : in.fields)
        if (equal_ignoring_case(f.name, name))
            all.append(all.empty() ? "" : ",").append(f.value);
    return all;
}

void require_same_meaning(const inbound& in, std::string_view body) {
    require(in.method == "GET" && body.empty());
    require(std::filesystem::path(decoded(in.path, signer::plus_sign::literal)).lexically_normal() == "/");
    require(pairs_of(in.query) == std::vector<std::string>{"Action=ListUsers", "Version=2010-05-08"});
    require(in.host == "iam.amazonaws.com" && value_of(in, "host") == "iam.amazonaws.com");
    require(value_of(in, "x-amz-date") == "20150830T123600Z");
    require(value_of(in, "content-type").starts_with("application/x-www-form-urlencoded;"));
    for (const field& f : in.fields) // nothing that a service reads as an order of its own was slipped in
        require(!equal_ignoring_case(f.name.substr(0, 6), "x-amz-") || equal_ignoring_case(f.name, "x-amz-date"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    static const shared_tenants all = std::make_shared<const tenant_table>(std::vector<tenant>{
        {"AKIDEXAMPLE", chain::secret{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, 1},
        {"AKIDEXAMPLF", chain::secret{"another"}, 2},
    });
    static signer::key_cache keys;
    std::string text(reinterpret_cast<const char*>(bytes), size);
    head_scanner scanner;
    if (scanner.scan(text) != head_scanner::state::complete)
        return 0;
    field_array room;
    request_head head;
    inbound in;
    const std::string body = text.substr(scanner.length());
    text.resize(scanner.length());
    if (parse_request(text, room, head) != head_error::none || read_inbound(head, {"us", {}}, in))
        return 0;
    const auto found = read_tenant(all, in);
    const auto* claim = std::get_if<tenant_claim>(&found);
    if (claim == nullptr)
        return 0;
    std::array<char, 64> hash;
    signer::write_hex(signer::sha256_of(body), hash.data());
    const tenant_scope where{"iam", "us-east-1", signer::path_rule::standard};
    if (!check_tenant(*claim, in, {hash.data(), hash.size()}, where, when, keys)) {
        require(claim->who->identity == 1);
        require_same_meaning(in, body);
    }
    return 0;
}
