#include "proxy/http/head.hpp"

#include <gtest/gtest.h>

#include <string>

namespace countersign::proxy {
namespace head_test {

struct parsed {
    head_error error = head_error::none;
    request_head head;
    field_array room;
    std::string text;
};

void parse(std::string text, parsed& out) {
    out.text = std::move(text);
    head_scanner scanner;
    if (scanner.scan(out.text) != head_scanner::state::complete) {
        out.error = scanner.error() == head_error::none ? head_error::bad_line_end : scanner.error();
        return;
    }
    out.error = parse_request(std::string_view{out.text}.substr(0, scanner.length()), out.room, out.head);
}

head_error error_of(const std::string& text) {
    parsed p;
    parse(text, p);
    return p.error;
}

TEST(Head, TakesARequestApart) {
    parsed p;
    parse("GET /a?b=c HTTP/1.1\r\nHost: x\r\nX-Odd:\t v w \r\nEmpty:\r\n\r\nrest", p);
    ASSERT_EQ(p.error, head_error::none);
    EXPECT_EQ(p.head.method, "GET");
    EXPECT_EQ(p.head.target, "/a?b=c");
    EXPECT_EQ(p.head.minor_version, 1u);
    ASSERT_EQ(p.head.fields.size(), 3u);
    EXPECT_EQ(p.head.fields[0].id, field_name::host);
    EXPECT_EQ(p.head.fields[1].name, "X-Odd");
    EXPECT_EQ(p.head.fields[1].value, "v w");
    EXPECT_EQ(p.head.fields[2].value, "");
}

TEST(Head, RefusesWhatTwoParsersCouldReadDifferently) {
    const std::pair<std::string, head_error> cases[] = {
        {"GET / HTTP/1.1\nHost: x\n\n", head_error::bad_line_end},
        {"GET / HTTP/1.1\r\nHost: x\n\r\n", head_error::bad_line_end},
        {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", head_error::bad_field},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", head_error::bad_field},
        {"GET / HTTP/1.1\r\n: x\r\n\r\n", head_error::bad_field},
        {"GET / HTTP/1.1\r\nno colon\r\n\r\n", head_error::bad_field},
        {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", head_error::folded_line},
        {"GET / HTTP/1.1\r\n A: b\r\n\r\n", head_error::folded_line},
        {std::string("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26), head_error::bad_field},
        {"GET / HTTP/1.1\r\nA\x0b: b\r\n\r\n", head_error::bad_field},
        {"GET / HTTP/1.1\r\nA: \x7f\r\n\r\n", head_error::bad_field},
        {"GET  / HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"GET  HTTP/1.1\r\n\r\n", head_error::bad_start_line}, // no target
        {"GET   HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"  HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"GET  \r\n\r\n", head_error::bad_start_line},
        {"GET HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {" \r\n\r\n", head_error::bad_start_line},
        {"\r\n", head_error::bad_start_line},
        {"GET / x HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"GET /\tx HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"GET /#f HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"get / HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {" GET / HTTP/1.1\r\n\r\n", head_error::bad_start_line},
        {"GET /\r\n\r\n", head_error::bad_start_line},
        {"GET / HTTP/2.0\r\n\r\n", head_error::bad_version},
        {"GET / HTTP/1.10\r\n\r\n", head_error::bad_version},
        {"GET / http/1.1\r\n\r\n", head_error::bad_start_line},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(error_of(text), expected) << text;
    }
}

TEST(Head, HoldsItsLimits) {
    const std::string line(16 * 1024, 'a');
    EXPECT_EQ(error_of("GET /" + line + " HTTP/1.1\r\n\r\n"), head_error::target_too_long);
    EXPECT_EQ(error_of("GET / HTTP/1.1\r\nA: " + line + "\r\n\r\n"), head_error::line_too_long);
    std::string many = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 201; ++i) {
        many += "A: b\r\n";
    }
    EXPECT_EQ(error_of(many + "\r\n"), head_error::too_many_fields);
    std::string big = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 9; ++i) {
        big += "A: " + std::string(8000, 'b') + "\r\n";
    }
    EXPECT_EQ(error_of(big + "\r\n"), head_error::head_too_long);
}

TEST(Head, ScansTheSameWhereverItIsSplit) {
    const std::string text = "PUT /k HTTP/1.1\r\nHost: s3\r\nX: y\r\n\r\nbody";
    const std::size_t length = text.size() - 4;
    for (std::size_t first = 0; first <= text.size(); ++first) {
        head_scanner scanner;
        auto state = scanner.scan(std::string_view{text}.substr(0, first));
        if (first < length) {
            ASSERT_EQ(state, head_scanner::state::more) << first;
            state = scanner.scan(text);
        }
        EXPECT_EQ(state, head_scanner::state::complete) << first;
        EXPECT_EQ(scanner.length(), length) << first;
    }
}

TEST(Head, KnowsItsFieldsInAnyCase) {
    EXPECT_EQ(identify("CONTENT-length"), field_name::content_length);
    EXPECT_EQ(identify("x-Amz-Content-SHA256"), field_name::amz_content_sha256);
    EXPECT_EQ(identify("X-Amz-Date"), field_name::amz_owned);
    EXPECT_EQ(identify("X-Amzn-Authorization"), field_name::amz_owned);
    EXPECT_EQ(identify("Proxy-Foo"), field_name::proxy_other);
    EXPECT_EQ(identify("proxy-authorization"), field_name::proxy_authorization);
    EXPECT_EQ(identify("proxy-"), field_name::other);
    EXPECT_EQ(identify("x-amz-meta-date"), field_name::other);
    EXPECT_EQ(identify(""), field_name::other);
}

// The result is good until the next call.
head_error response_error(std::string_view from, response_head& out) {
    static field_array room;
    static std::string text;
    text = from;
    head_scanner scanner;
    if (scanner.scan(text) != head_scanner::state::complete) {
        return head_error::bad_line_end;
    }
    return parse_response(text, room, out);
}

TEST(Head, TakesAnAnswerApart) {
    response_head r;
    ASSERT_EQ(response_error("HTTP/1.1 404 Not Found\r\nETag: \"x\"\r\n\r\n", r), head_error::none);
    EXPECT_EQ(r.status, 404u);
    EXPECT_EQ(r.reason, "Not Found");
    ASSERT_EQ(response_error("HTTP/1.0 200\r\n\r\n", r), head_error::none);
    EXPECT_EQ(r.minor_version, 0u);
    EXPECT_EQ(r.reason, "");
    ASSERT_EQ(response_error("HTTP/1.1 200 \r\n\r\n", r), head_error::none);
}

TEST(Head, RefusesAnswersThatAreNotHttp) {
    response_head r;
    for (const char* text :
         {"GARBAGE\r\n\r\n",
          "HTTP/1.1 20 OK\r\n\r\n",
          "HTTP/1.1 000 OK\r\n\r\n",
          "HTTP/1.1 2000 OK\r\n\r\n",
          "HTTP/2 200 OK\r\n\r\n",
          "HTTP/1.1 200OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
          "HTTP/1.1  200 OK\r\n\r\n"}) {
        EXPECT_NE(response_error(text, r), head_error::none) << text;
    }
}

} // namespace head_test
} // namespace countersign::proxy
