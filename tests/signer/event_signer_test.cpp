#include "signer/date.hpp"
#include "signer/event_signer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace countersign::signer {
namespace event_signer_test {

using std::chrono::seconds;
using std::chrono::sys_seconds;

std::string hex_of(std::string_view bytes) {
    std::string hex;
    for (const char c : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        hex.append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return hex;
}

std::string hex_of(const digest& value) {
    std::string hex(64, '\0');
    write_hex(value, hex.data());
    return hex;
}

// The chain that aws-sdk-go-v2 tests its stream signer with (aws/signer/v4/stream_test.go).
TEST(EventSigner, MakesThePublishedChain) {
    const scope where{"transcribestreaming", "us-east-1"};
    const signing_key key = signing_key::derive("SECRET", "19700101", "us-east-1", "transcribestreaming");
    struct row {
        std::string_view text;
        int time;
        std::string_view signature;
    };
    std::string previous = hex_of("foobarbazqux");
    for (const row& r : {
             row{"foo", 10, "e3a136405ec1152f62136742efd41f8639cd647a1cf21fab12aedb22cccd8999"},
             {"bar", 20, "92a6ad677e839d3003672cb2cefc71ef80d42e8cb300fefce0807e8398c74068"},
             {"baz", 30, "46d6660bd40f2ff5d6246a347895cabe7f4e89d9e1f4c6dad6dabdc801923be1"},
             {"", 30, "492bcb3e21de447c85f8a9bef6c0eb833e992e405b9b3584be84edaccc5aad18"},
         }) {
        previous = hex_of(sign_event(previous, r.text, r.text, sys_seconds(seconds(r.time)), where, key));
        EXPECT_EQ(previous, r.signature);
    }
}

// SHA-256 of the :date header of 123456789 s, as smithy-rs tests it (aws-sigv4, event_stream.rs).
TEST(EventSigner, SignsTheDateHeaderAlone) {
    std::string header;
    put_event_header({":date", event_time(seconds(123456789))}, header);
    EXPECT_EQ(hex_of(sha256_of(header)), "0c0e3b3bf66b59b976181bd7d401927bbd624107303c713fd1e5f3d3c8dd1b1e");
    // The wrapped message of the same test.
    std::string message;
    ASSERT_EQ(
        encode_event({{{"some-header", std::string_view("value")}}, "test payload"}, {}, message), event_fault::none
    );
    EXPECT_EQ(hex_of(sha256_of(message)), "f2eba0f2e95967ee9fbc6db5e678d2fd599229c0d04b11e4fc8e0f2a02a806c6");
}

struct days_keys {
    std::map<std::string, signing_key, std::less<>> keys;
    std::vector<std::string> asked;

    const signing_key& find(std::string_view day) {
        asked.emplace_back(day);
        return keys.try_emplace(std::string(day), signing_key::derive("SECRET", day, "us-east-1", "transcribe"))
            .first->second;
    }
};

TEST(EventSigner, WrapsEachMessageAndEndsWithAnEmptyFrame) {
    const std::string seed(64, '0');
    days_keys keys;
    event_signer signer(seed, {"transcribe", "us-east-1"}, [&](std::string_view day) -> const signing_key& {
        return keys.find(day);
    });
    const sys_seconds evening = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1) + seconds(86399);
    std::string inner, stream;
    ASSERT_EQ(encode_event({{}, "audio"}, {}, inner), event_fault::none);
    ASSERT_EQ(signer.wrap(inner, evening, stream), event_fault::none);
    ASSERT_EQ(signer.finish(evening + seconds(1), stream), event_fault::none);
    EXPECT_THAT(keys.asked, testing::ElementsAre("20260101", "20260102"));

    event_decoder decoder;
    std::string_view input = stream;
    std::string previous = seed;
    for (const auto& [payload, when] :
         {std::pair(std::string_view(inner), evening), std::pair(std::string_view(), evening + seconds(1))}) {
        ASSERT_EQ(decoder.feed(input), event_decoder::state::message);
        const event_message& frame = decoder.message();
        EXPECT_EQ(frame.payload, payload);
        ASSERT_EQ(frame.headers.size(), 2u);
        EXPECT_EQ(frame.headers[0], (event_header{":date", event_time(when)}));
        EXPECT_EQ(frame.headers[1].name, ":chunk-signature");
        std::string date;
        put_event_header(frame.headers[0], date);
        const signing_key& key = keys.find(date_text(when).day());
        previous = hex_of(sign_event(previous, date, payload, when, {"transcribe", "us-east-1"}, key));
        EXPECT_EQ(hex_of(std::get<event_bytes>(frame.headers[1].value).bytes), previous);
    }
    EXPECT_EQ(signer.previous(), previous);
    EXPECT_TRUE(input.empty());
}

TEST(EventSigner, LeavesTheChainAloneWhenAMessageIsTooLong) {
    days_keys keys;
    event_signer signer(
        std::string(64, '0'),
        {"transcribe", "us-east-1"},
        [&](std::string_view day) -> const signing_key& { return keys.find(day); },
        {128, 10}
    );
    std::string stream = "kept";
    EXPECT_EQ(signer.wrap("12345678901", sys_seconds{}, stream), event_fault::payload_too_long);
    EXPECT_EQ(signer.previous(), std::string(64, '0'));
    EXPECT_EQ(stream, "kept");
}

} // namespace event_signer_test
} // namespace countersign::signer
