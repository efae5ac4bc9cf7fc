// `countersign credentials`: asks the chain once and prints what it found (json) or how it looked (explain).
#include "chain/chain.hpp"
#include "chain/region.hpp"
#include "chain/rfc3339.hpp"
#include "chain/text.hpp"
#include "chain/world.hpp"
#include "proxy/commands.hpp"
#include "proxy/process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace countersign::proxy {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

struct question {
    explicit question(asio::io_context& control) : outside(control) {}

    chain::system_world outside;
    chain::provider_list sources;
    chain::chain_settings settings;
    std::string given_region;
    std::vector<chain::attempt> tried;
    std::optional<chain::result<chain::credentials>> keys;
    std::optional<chain::result<chain::region_choice>> region;
};

chain::task<> ask(question& q, bool with_region) {
    q.keys = co_await chain::resolve(q.sources, q.outside, q.tried);
    if (with_region) {
        q.region = co_await chain::resolve_region(q.outside, q.settings, q.given_region);
    }
}

// The form that credential_process wants, and "Provider" and "AccountId" where they are known.
// REQUIRES: they expire.
std::string end_of(const chain::credentials& c) {
    return c.stated_end.empty() ? chain::write_rfc3339(*c.expiration) : c.stated_end;
}

void print_json(const chain::credentials& c) {
    json::object out;
    out["Version"] = 1;
    out["AccessKeyId"] = c.access_key_id;
    out["SecretAccessKey"] = c.secret_access_key.reveal();
    if (!c.session_token.empty()) {
        out["SessionToken"] = c.session_token.reveal();
    }
    if (c.expiration) {
        out["Expiration"] = end_of(c);
    }
    if (!c.account_id.empty()) {
        out["AccountId"] = c.account_id;
    }
    out["Provider"] = c.provider;
    std::string text = json::serialize(out);
    fmt::print("{}\n", text);
    OPENSSL_cleanse(text.data(), text.size());
}

struct row {
    std::string_view verdict;
    std::string reason;
};

// How the user gets the hidden source instead.
std::string_view way_to(std::string_view hidden, std::string_view by) {
    if (by == "environment") {
        return hidden == "profile" ? ": unset AWS_ACCESS_KEY_ID, or name the profile with --profile"
                                   : ": unset AWS_ACCESS_KEY_ID";
    }
    if (by == "profile") {
        return ": choose a profile without credentials, or take them out of this one";
    }
    if (by == "web_identity") {
        return ": unset AWS_WEB_IDENTITY_TOKEN_FILE";
    }
    return by == "container" ? ": unset its variable" : "";
}

row row_of(const chain::attempt& tried, const chain::sight& seen, const question& q) {
    switch (tried.outcome) {
    case chain::finding::used: {
        const auto& c = **q.keys;
        return {
            "used",
            fmt::format(
                "{}, {}, {}",
                chain::masked(c.access_key_id),
                c.session_token.empty() ? "no session token" : "with session token",
                c.expiration ? "until " + end_of(c) : "without expiry"
            )};
    }
    case chain::finding::skipped:
        return {"skipped", tried.why};
    case chain::finding::broken:
        return {"failed", tried.why + "; the chain ends here"};
    case chain::finding::not_reached:
        break;
    }
    if (!seen.configured) {
        return {"not asked", "nothing configured"};
    }
    const auto last = std::find_if(q.tried.begin(), q.tried.end(), [](const chain::attempt& a) {
        return a.outcome == chain::finding::used || a.outcome == chain::finding::broken;
    });
    if (last->outcome == chain::finding::used) {
        return {
            "hidden",
            fmt::format(
                "by {}, which comes before it and has credentials{}", last->source, way_to(tried.source, last->source)
            )};
    }
    return {"not asked", fmt::format("{} comes before it and failed", last->source)};
}

void print_explanation(const question& q) {
    fmt::print("{:<3}{:<14}{:<10}{}\n", "", "SOURCE", "RESULT", "WHY, AND WHAT WAS LOOKED AT");
    for (std::size_t i = 0; i < q.tried.size(); ++i) {
        const auto seen = q.sources[i]->look(q.outside);
        const auto r = row_of(q.tried[i], seen, q);
        fmt::print("{:<3}{:<14}{:<10}{}\n", i + 1, q.tried[i].source, r.verdict, r.reason);
        for (const auto& line : seen.seen) {
            fmt::print("{:<27}  {}\n", "", line);
        }
    }
    if (q.region && *q.region) {
        fmt::print("\nregion: {} ({})\n", (*q.region)->region, (*q.region)->origin);
    } else if (q.region) {
        fmt::print("\nregion: {}\n", q.region->error().detail);
    }
    if (const auto warning = chain::hidden_role(q.tried, q.outside); !warning.empty()) {
        fmt::print("note: {}\n", warning);
    }
}

int fail(std::string_view reason) {
    fmt::print(stderr, "countersign: {}\n", reason);
    return 1;
}

} // namespace

int run_credentials(const credentials_arguments& a) {
    forbid_core_dumps();
    if (a.output != "json" && a.output != "explain") {
        fmt::print(stderr, "countersign: --output is json or explain\n");
        return 2;
    }
    const bool explain = a.output == "explain";
    asio::io_context control{1};
    question q(control);
    q.settings = {a.profile, !a.profile.empty(), a.access_key_id, a.secret_access_key_file, a.region};
    q.given_region = a.region;
    q.sources = chain::make_chain(q.settings);
    std::exception_ptr bug;
    asio::co_spawn(control, ask(q, explain), [&](std::exception_ptr e) {
        bug = e;
        control.stop(); // a look-up that nobody waits for may still be under way
    });
    control.run_for(chain::longest_load);
    if (bug) {
        std::rethrow_exception(bug);
    }
    if (!q.keys) {
        return fail(chain::cut_off_load(q.tried).detail);
    }
    if (explain) {
        print_explanation(q);
    }
    if (!*q.keys) {
        return fail(q.keys->error().detail);
    }
    if (!explain) {
        print_json(**q.keys);
    }
    return 0;
}

} // namespace countersign::proxy
