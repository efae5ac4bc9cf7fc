#include "proxy/sandbox/site.hpp"

#include "proxy/sandbox/upload.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <utility>

namespace countersign::proxy::sandbox {

namespace {

constexpr std::size_t journal_limit = 100;

// A host that stands for this machine: here the endpoints without signatures answer.
bool is_local(const std::string& host) {
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error || host == "localhost";
}

bool is_open(const request& ask, const std::string& host) {
    const std::string_view path = ask.path;
    const bool known = path.starts_with("/_sandbox") || path.starts_with("/latest/") || path.starts_with("/container/");
    // A signed request to such a path is one for a bucket of that name.
    return known && is_local(host) && !ask.header("authorization").starts_with("AWS4-");
}

std::optional<signer::scope> expected_scope(const std::string& host) {
    const auto found = signer::scope_of(host);
    if (const auto* known = std::get_if<signer::host_scope>(&found)) {
        return signer::scope{known->service, known->region};
    }
    return std::nullopt;
}

bool needs_no_signature(const request& ask, const std::string& host, const std::optional<signer::scope>& expected) {
    const bool is_sts = expected ? expected->service == "sts" : is_local(host);
    return is_sts && ask.path == "/" && ask.header("authorization").empty() &&
           !find_value(parse_form(ask.query), "X-Amz-Signature") && sts::is_for_anyone(ask);
}

void note(journal_entry& entry, const verdict& v) {
    entry.verdict = v.name();
    entry.detail = v.found.detail;
    entry.access_key_id = v.found.access_key_id;
    entry.service = v.found.service;
    entry.region = v.found.region;
}

// One of the faults that leave the service out; nullopt for those that only change how its answer is sent.
std::optional<answer> answer_instead(const fault& f, signer::wire_protocol protocol, std::string_view request_id) {
    switch (f.kind) {
    case fault_kind::throttle:
        return render(throttled(protocol), protocol, request_id);
    case fault_kind::error:
        return render(broken(protocol), protocol, request_id);
    case fault_kind::status:
        return render(of_status(f.status), protocol, request_id);
    case fault_kind::retry_after: {
        answer a = render({503, "ServiceUnavailable", "Service is unable to handle request."}, protocol, request_id);
        a.headers.push_back({"Retry-After", std::to_string(f.wait.count())});
        return a;
    }
    case fault_kind::close:
    case fault_kind::reset: {
        answer a;
        a.how = f.kind == fault_kind::close ? delivery::closed : delivery::reset;
        return a;
    }
    case fault_kind::slow:
    case fault_kind::truncate:
        break;
    }
    return std::nullopt;
}

} // namespace

site::site(
    random_source random, std::chrono::seconds credential_lifetime, std::function<void(const journal_entry&)> report
)
    : keys_(random), sts_(keys_, credential_lifetime), metadata_(keys_, random, credential_lifetime),
      report_(std::move(report)) {}

answer site::respond(const request& ask, std::chrono::sys_seconds now) {
    const std::string host = ask.host();
    if (ask.path.starts_with("/_sandbox") && is_open(ask, host)) {
        return own_page(ask);
    }

    journal_entry entry;
    entry.time = now;
    entry.method = ask.method;
    entry.host = ask.header("host");
    entry.path = ask.path;
    entry.headers = without_secrets(ask.headers);
    ++served_;
    answer a = is_open(ask, host) ? open_answer(ask, now, entry) : signed_answer(ask, now, entry);
    entry.status = a.how == delivery::closed || a.how == delivery::reset ? 0 : a.status;
    if (journal_.size() == journal_limit) {
        journal_.pop_front();
    }
    report_(journal_.emplace_back(std::move(entry)));
    a.headers.push_back({"Date", http_time(now)}); // clients learn the offset of their clock from it
    return a;
}

answer site::own_page(const request& ask) const {
    if (ask.method != "GET" && ask.method != "HEAD") {
        return text_answer(405, "text/plain", "GET only\n");
    }
    if (ask.path == "/_sandbox/requests") {
        return text_answer(200, "application/json", to_json(journal_));
    }
    if (ask.path == "/_sandbox/" || ask.path == "/_sandbox") {
        return text_answer(200, "text/plain", explanation());
    }
    return text_answer(404, "text/plain", "Not found. /_sandbox/ says what there is.\n");
}

answer site::open_answer(const request& ask, std::chrono::sys_seconds now, journal_entry& entry) {
    entry.verdict = "unsigned";
    fault_plan plan = plan_faults(ask, signer::wire_protocol::text, {});
    entry.fault = plan.hit;
    answer a = plan.instead ? std::move(*plan.instead)
                            : metadata_.respond(ask, now).value_or(text_answer(404, "text/plain", "Not found\n"));
    a.delay = plan.delay;
    if (plan.how == delivery::truncated) {
        a.how = plan.how;
    }
    return a;
}

answer site::signed_answer(const request& ask, std::chrono::sys_seconds now, journal_entry& entry) {
    const std::string request_id = fmt::format("SANDBOX{:010}", served_);
    const std::string host = ask.host();
    const auto expected = expected_scope(host);
    if (needs_no_signature(ask, host, expected)) {
        return answer_anyone(ask, request_id, now, entry);
    }
    const verdict v = judge(ask, expected, keys_, now);
    note(entry, v);
    // S3's form, where neither host nor scope names a service: people try "curl http://127.0.0.1:9911/bucket"
    // first.
    const std::string service = expected ? std::string(expected->service) : v.found.service;
    const auto protocol = service.empty() ? signer::wire_protocol::rest_xml : signer::traits_of(service).errors;
    if (!v.admits()) {
        return render(refuse(v, protocol), protocol, request_id);
    }
    const auto serves = [&] { return serve(ask, v, request_id, now); };
    answer a = answer_by(serves, ask, protocol, request_id, entry);
    a.headers.push_back({service == "s3" ? "x-amz-request-id" : "x-amzn-RequestId", request_id});
    return a;
}

// The one call of STS that proves itself by what it brings.
answer site::answer_anyone(
    const request& ask, std::string_view request_id, std::chrono::sys_seconds now, journal_entry& entry
) {
    entry.verdict = "unsigned";
    const auto serves = [&] { return sts_.respond_to_anyone(ask, request_id, now); };
    answer a = answer_by(serves, ask, signer::wire_protocol::query_xml, request_id, entry);
    a.headers.push_back({"x-amzn-RequestId", std::string(request_id)});
    return a;
}

answer site::answer_by(
    const service_call& serves,
    const request& ask,
    signer::wire_protocol protocol,
    std::string_view request_id,
    journal_entry& entry
) {
    fault_plan plan = plan_faults(ask, protocol, request_id);
    entry.fault = plan.hit;
    answer a;
    if (plan.instead) {
        a = std::move(*plan.instead);
    } else {
        auto served = serves();
        auto* error = std::get_if<service_error>(&served);
        a = error ? render(*error, protocol, request_id) : std::get<answer>(std::move(served));
    }
    if (plan.how == delivery::truncated) {
        a.how = plan.how;
    }
    a.delay = plan.delay;
    return a;
}

std::variant<answer, service_error>
site::serve(const request& ask, const verdict& v, std::string_view request_id, std::chrono::sys_seconds now) {
    if (v.found.service == "s3") {
        return serve_s3(ask, *v.who, now);
    }
    if (v.found.service == "sts") {
        return sts_.respond(ask, *v.who, request_id, now);
    }
    if (v.found.service == "dynamodb") {
        return dynamodb_.respond(ask, now);
    }
    return text_answer(200, "application/json", verified_json(ask, v));
}

std::variant<answer, service_error>
site::serve_s3(const request& ask, const identity& who, std::chrono::sys_seconds now) {
    request plain = ask;
    if (auto wrong = take_off_chunks(plain, who)) {
        return *std::move(wrong);
    }
    if (auto wrong = wrong_checksum(plain)) {
        return *std::move(wrong);
    }
    return s3_.respond(plain, now);
}

site::fault_plan site::plan_faults(const request& ask, signer::wire_protocol protocol, std::string_view request_id) {
    fault_plan plan;
    for (const field& f : parse_form(ask.query)) {
        if (f.name != "x-fault") {
            continue;
        }
        const auto wanted = parse_fault(f.value);
        if (!wanted) {
            const std::string message = fmt::format("x-fault is none of: {}", fault_forms);
            plan.instead = render({400, "InvalidArgument", message}, protocol, request_id);
            return plan;
        }
        if (!faults_.hits(*wanted, fmt::format("{} {}{} {}", ask.method, ask.host(), ask.path, f.value))) {
            continue;
        }
        plan.hit += plan.hit.empty() ? f.value : "," + f.value;
        plan.delay += wanted->delay;
        if (wanted->kind == fault_kind::truncate) {
            plan.how = delivery::truncated;
        }
        if (!plan.instead) {
            plan.instead = answer_instead(*wanted, protocol, request_id);
        }
    }
    return plan;
}

} // namespace countersign::proxy::sandbox
