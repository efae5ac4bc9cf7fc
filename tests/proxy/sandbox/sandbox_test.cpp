#include "proxy/sandbox/bucket.hpp"
#include "proxy/sandbox/fault.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/page.hpp"
#include "proxy/sandbox/s3.hpp"
#include "proxy/sandbox/site.hpp"
#include "signer/key.hpp"
#include "signer/sigv4.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <string>
#include <utility>
#include <vector>

namespace countersign::proxy::sandbox {
namespace sandbox_test {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;
using testing::HasSubstr;
using testing::Not;

const sys_seconds noon{seconds(1440936000)}; // 2015-08-30T12:00:00Z

// Different bytes at each call, the same ones in each run.
random_source counting() {
    auto next = std::make_shared<unsigned>(0);
    return [next](std::span<unsigned char> bytes) {
        for (unsigned char& b : bytes)
            b = static_cast<unsigned char>(++*next * 37);
    };
}

struct signing {
    std::string access_key_id{demo_access_key_id};
    std::string secret{demo_secret_access_key};
    std::string token;
    std::string service = "s3";
    sys_seconds when = noon;
};

request make(std::string method, std::string host, std::string target, std::string body = {}) {
    request ask;
    ask.method = std::move(method);
    const auto mark = target.find('?');
    ask.path = target.substr(0, mark);
    ask.query = mark == std::string::npos ? "" : target.substr(mark + 1);
    ask.headers.push_back({"Host", std::move(host)});
    ask.body = std::move(body);
    return ask;
}

// Signs with the program's own signer; that the verifier agrees with others' is tests/e2e/sandbox_test.py's
// to show.
request signed_by(request ask, const signing& how = {}) {
    std::vector<signer::header> headers;
    for (const field& f : ask.headers)
        headers.push_back({f.name, f.value});
    std::string hash(64, '0');
    signer::write_hex(signer::sha256_of(ask.body), hash.data());
    const signer::request what{ask.method, ask.path, ask.query, headers, hash};
    const std::string day = "20150830";
    const auto key = signer::signing_key::derive(how.secret, day, "us-east-1", how.service);
    signer::options options;
    const bool is_s3 = how.service == "s3";
    options.path = is_s3 ? signer::path_rule::s3 : signer::path_rule::standard;
    options.content_sha256_header = is_s3;
    std::pmr::monotonic_buffer_resource memory;
    const signer::scope where{how.service, "us-east-1"};
    const signer::identity who{how.access_key_id, how.token};
    const auto added = signer::sign(what, where, who, key, how.when, options, memory);
    for (const signer::header& h : added.add)
        ask.headers.push_back({std::string(h.name), std::string(h.value)});
    return ask;
}

struct fixture {
    std::vector<journal_entry> reported;
    site answers{counting(), seconds(1000), [this](const journal_entry& e) { reported.push_back(e); }};

    answer s3(const std::string& method, const std::string& target, const std::string& body = {}) {
        return answers.respond(signed_by(make(method, "s3.us-east-1.amazonaws.com", target, body)), noon);
    }
};

std::string between(const std::string& text, const std::string& from, const std::string& to) {
    const auto begin = text.find(from) + from.size();
    return text.substr(begin, text.find(to, begin) - begin);
}

std::string header_of(const answer& a, std::string_view name) {
    request carrier;
    carrier.headers = a.headers;
    return std::string(carrier.header(name));
}

// Faults

TEST(SandboxFault, ReadsEachForm) {
    EXPECT_EQ(parse_fault("throttle:2")->count, 2u);
    EXPECT_EQ(parse_fault("error")->count, 1u);
    EXPECT_EQ(parse_fault("status:503:2")->status, 503u);
    EXPECT_EQ(parse_fault("status:503:2")->count, 2u);
    EXPECT_EQ(parse_fault("slow:500ms")->delay, milliseconds(500));
    EXPECT_EQ(parse_fault("slow:2s")->delay, milliseconds(2000));
    EXPECT_FALSE(parse_fault("slow:500ms")->count.has_value());
    EXPECT_EQ(parse_fault("retry-after:7")->wait, seconds(7));
    EXPECT_EQ(parse_fault("reset:1")->kind, fault_kind::reset);
    EXPECT_FALSE(parse_fault("truncate")->count.has_value());
}

TEST(SandboxFault, RefusesWhatItDoesNotKnow) {
    for (const char* text :
         {"",
          "nonsense",
          "throttle:x",
          "throttle:-1",
          "throttle:1:2",
          "status",
          "status:99",
          "status:600",
          "slow",
          "slow:5",
          "slow:5h",
          "slow:61s",
          "retry-after",
          "retry-after:x",
          "throttle:99999999999999"})
        EXPECT_FALSE(parse_fault(text).has_value()) << text;
}

TEST(SandboxFault, HitsTheFirstRequestsOnlyAndCountsEachSortApart) {
    fault_counter counter;
    const fault twice = *parse_fault("throttle:2");
    EXPECT_TRUE(counter.hits(twice, "GET /a"));
    EXPECT_TRUE(counter.hits(twice, "GET /a"));
    EXPECT_FALSE(counter.hits(twice, "GET /a"));
    EXPECT_TRUE(counter.hits(twice, "PUT /a"));
    EXPECT_FALSE(counter.hits(twice, "GET /a"));
}

TEST(SandboxFault, CountsInBoundedMemory) {
    fault_counter counter;
    const fault once = *parse_fault("error");
    EXPECT_TRUE(counter.hits(once, "first"));
    for (int i = 0; i < 1023; ++i)
        counter.hits(once, std::to_string(i));
    EXPECT_FALSE(counter.hits(once, "first"));
    EXPECT_TRUE(counter.hits(once, "one too many")); // starts anew
    EXPECT_TRUE(counter.hits(once, "first"));
}

// Buckets

object object_with(std::string body) {
    object o;
    o.etag = etag_of(body);
    o.body = std::move(body);
    return o;
}

TEST(SandboxBucket, HasAmazonsEtag) {
    EXPECT_EQ(etag_of("hello"), "\"5d41402abc4b2a76b9719d911017c592\"");
}

TEST(SandboxBucket, KnowsBucketNames) {
    for (const char* good : {"abc", "a.b-c", "0ab", "bucket-1"})
        EXPECT_TRUE(is_bucket_name(good)) << good;
    for (const char* bad : {"", "ab", "Abc", "-ab", "ab-", "a_b", "a b"})
        EXPECT_FALSE(is_bucket_name(bad)) << bad;
    EXPECT_FALSE(is_bucket_name(std::string(64, 'a')));
}

TEST(SandboxBucket, NeverHoldsMoreThanItsCapacity) {
    bucket_set set(10'000);
    ASSERT_EQ(set.create("one", noon), bucket_error::none);
    EXPECT_EQ(set.store("one", "big", object_with(std::string(9000, 'x'))), bucket_error::full);
    EXPECT_EQ(set.store("one", "k", object_with(std::string(8000, 'x'))), bucket_error::none);
    EXPECT_EQ(set.store("one", "l", object_with(std::string(8000, 'x'))), bucket_error::full);
    // A new body for the same key takes the old one's place.
    EXPECT_EQ(set.store("one", "k", object_with(std::string(8100, 'y'))), bucket_error::none);
    EXPECT_LE(set.used(), 10'000u);
}

TEST(SandboxBucket, GivesBackWhatWasRemoved) {
    bucket_set set(10'000);
    const std::size_t before = set.used();
    ASSERT_EQ(set.create("one", noon), bucket_error::none);
    ASSERT_EQ(set.store("one", "k", object_with("x")), bucket_error::none);
    EXPECT_EQ(set.remove("one"), bucket_error::bucket_not_empty);
    EXPECT_EQ(set.erase("one", "k"), bucket_error::none);
    EXPECT_EQ(set.remove("one"), bucket_error::none);
    EXPECT_EQ(set.used(), before);
    EXPECT_EQ(set.remove("one"), bucket_error::no_such_bucket);
}

std::vector<std::string> keys_of(const listing& page) {
    std::vector<std::string> keys;
    for (const auto& e : page.objects)
        keys.emplace_back(e.key);
    return keys;
}

struct listed : testing::Test {
    bucket_set set{100'000};
    void SetUp() override {
        set.create("one", noon);
        for (const char* key : {"a", "b/1", "b/2", "b/c/3", "c", "d/4"})
            set.store("one", key, object_with(key));
    }
    listing ask(list_question q) { return list_objects(*set.find("one"), q); }
};

TEST_F(listed, FindsByPrefixInByteOrder) {
    EXPECT_THAT(keys_of(ask({"b/", "", "", 1000})), testing::ElementsAre("b/1", "b/2", "b/c/3"));
    EXPECT_TRUE(ask({"x", "", "", 1000}).objects.empty());
}

TEST_F(listed, FoldsAtTheDelimiter) {
    const listing page = ask({"", "/", "", 1000});
    EXPECT_THAT(keys_of(page), testing::ElementsAre("a", "c"));
    EXPECT_THAT(page.common_prefixes, testing::ElementsAre("b/", "d/"));
    EXPECT_THAT(ask({"b/", "/", "", 1000}).common_prefixes, testing::ElementsAre("b/c/"));
}

TEST_F(listed, ContinuesWhereAPageEnded) {
    for (const std::string delimiter : {"", "/"}) {
        const listing whole = ask({"", delimiter, "", 1000});
        EXPECT_FALSE(whole.truncated);
        std::vector<std::string> keys, prefixes;
        list_question q{"", delimiter, "", 1};
        for (bool more = true; more;) {
            const listing page = ask(q);
            ASSERT_LE(page.objects.size() + page.common_prefixes.size(), 1u);
            for (const auto& k : keys_of(page))
                keys.push_back(k);
            prefixes.insert(prefixes.end(), page.common_prefixes.begin(), page.common_prefixes.end());
            more = page.truncated;
            ASSERT_LE(keys.size() + prefixes.size(), 6u);
            q.after = page.last;
        }
        EXPECT_EQ(keys, keys_of(whole)) << delimiter;
        EXPECT_EQ(prefixes, whole.common_prefixes) << delimiter;
    }
}

TEST_F(listed, OfZeroKeysIsEmptyAndWhole) {
    const listing page = ask({"", "", "", 0});
    EXPECT_TRUE(page.objects.empty());
    EXPECT_FALSE(page.truncated);
}

// S3's address and ranges

TEST(SandboxS3, FindsBucketAndKey) {
    const auto check = [](const char* host, const char* path, const char* bucket, const char* key) {
        const s3_place where = place_of(host, path);
        EXPECT_EQ(where.bucket, bucket) << host << path;
        EXPECT_EQ(where.key, key) << host << path;
    };
    check("s3.us-east-1.amazonaws.com", "/", "", "");
    check("s3.us-east-1.amazonaws.com", "/b", "b", "");
    check("s3.us-east-1.amazonaws.com", "/b/", "b", "");
    check("s3.us-east-1.amazonaws.com", "/b/k%2Fl//m", "b", "k/l//m");
    check("b.s3.us-east-1.amazonaws.com", "/", "b", "");
    check("b.s3.us-east-1.amazonaws.com", "/b/k%20", "b", "b/k ");
    check("b.c.s3.amazonaws.com", "/k", "b.c", "k");
    check("s3.b.s3-us-west-2.amazonaws.com", "/k", "s3.b", "k");
    check("127.0.0.1", "/b/k", "b", "k");
}

TEST(SandboxS3, ReadsRanges) {
    const auto check = [](const char* text, std::size_t size, range_kind kind, std::size_t first, std::size_t last) {
        const byte_range r = parse_range(text, size);
        EXPECT_EQ(r.kind, kind) << text;
        EXPECT_EQ(r.first, first) << text;
        EXPECT_EQ(r.last, last) << text;
    };
    check("bytes=0-0", 10, range_kind::part, 0, 0);
    check("bytes=2-5", 10, range_kind::part, 2, 5);
    check("bytes=5-", 10, range_kind::part, 5, 9);
    check("bytes=5-500", 10, range_kind::part, 5, 9);
    check("bytes=-3", 10, range_kind::part, 7, 9);
    check("bytes=-30", 10, range_kind::part, 0, 9);
    check("bytes=10-", 10, range_kind::unsatisfiable, 0, 0);
    check("bytes=-0", 10, range_kind::unsatisfiable, 0, 0);
    check("bytes=0-", 0, range_kind::unsatisfiable, 0, 0);
    for (const char* ignored : {"", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b"})
        check(ignored, 10, range_kind::whole, 0, 0);
}

// The whole site, without a socket

TEST(Sandbox, StoresAndReturnsAnObject) {
    fixture f;
    ASSERT_EQ(f.s3("PUT", "/bucket").status, 200u);
    ASSERT_EQ(f.s3("PUT", "/bucket/a%20key", "hello").status, 200u);
    const answer got = f.s3("GET", "/bucket/a%20key");
    EXPECT_EQ(got.status, 200u);
    EXPECT_EQ(got.body, "hello");
    EXPECT_EQ(header_of(got, "etag"), etag_of("hello"));
    EXPECT_THAT(f.s3("GET", "/bucket/other").body, HasSubstr("<Code>NoSuchKey</Code>"));
    EXPECT_THAT(f.s3("GET", "/nowhere/other").body, HasSubstr("<Code>NoSuchBucket</Code>"));
    EXPECT_EQ(f.s3("DELETE", "/bucket").status, 409u);
    EXPECT_EQ(f.s3("DELETE", "/bucket/a%20key").status, 204u);
    EXPECT_EQ(f.s3("DELETE", "/bucket").status, 204u);
}

TEST(Sandbox, RefusesWhatIsNotSigned) {
    fixture f;
    const answer a = f.answers.respond(make("GET", "s3.us-east-1.amazonaws.com", "/"), noon);
    EXPECT_EQ(a.status, 403u);
    EXPECT_THAT(a.body, HasSubstr("<Code>AccessDenied</Code>"));
    EXPECT_EQ(f.reported.back().verdict, "missing_signature");
}

TEST(Sandbox, ExplainsAWrongSignature) {
    fixture f;
    signing wrong;
    wrong.secret = "another";
    const answer a = f.answers.respond(signed_by(make("GET", "s3.us-east-1.amazonaws.com", "/x"), wrong), noon);
    EXPECT_EQ(a.status, 403u);
    EXPECT_THAT(a.body, HasSubstr("<Code>SignatureDoesNotMatch</Code>"));
    EXPECT_THAT(a.body, HasSubstr("<CanonicalRequest>GET\n/x\n"));
    EXPECT_THAT(a.body, HasSubstr("<StringToSign>AWS4-HMAC-SHA256\n20150830T120000Z\n"));
    EXPECT_EQ(f.reported.back().verdict, "wrong_signature");
}

TEST(Sandbox, SpeaksTheProtocolOfEachService) {
    fixture f;
    const auto refused = [&](const char* host) { return f.answers.respond(make("POST", host, "/"), noon); };
    EXPECT_THAT(refused("sts.us-east-1.amazonaws.com").body, HasSubstr("<ErrorResponse>"));
    const answer json = refused("dynamodb.us-east-1.amazonaws.com");
    EXPECT_THAT(json.body, HasSubstr("\"__type\":\"MissingAuthenticationTokenException\""));
    EXPECT_EQ(json.status, 400u);
}

TEST(Sandbox, AcceptsTheTemporaryKeysItHandsOutUntilTheyExpire) {
    fixture f;
    signing sts;
    sts.service = "sts";
    const std::string ask = "/?Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=me";
    const answer made = f.answers.respond(signed_by(make("GET", "sts.us-east-1.amazonaws.com", ask), sts), noon);
    ASSERT_EQ(made.status, 200u);
    signing temporary = sts;
    temporary.access_key_id = between(made.body, "<AccessKeyId>", "<");
    temporary.secret = between(made.body, "<SecretAccessKey>", "<");
    temporary.token = between(made.body, "<SessionToken>", "<");
    const request who = make("GET", "sts.us-east-1.amazonaws.com", "/?Action=GetCallerIdentity");
    const answer known = f.answers.respond(signed_by(who, temporary), noon);
    EXPECT_THAT(known.body, HasSubstr("<Arn>arn:aws:sts::000000000000:assumed-role/r/me</Arn>"));

    temporary.when = noon + seconds(1000); // the end of their life
    const answer late = f.answers.respond(signed_by(who, temporary), temporary.when);
    EXPECT_THAT(late.body, HasSubstr("<Code>ExpiredToken</Code>"));
    EXPECT_EQ(f.reported.back().verdict, "expired_token");

    temporary.when = noon;
    temporary.token += "x";
    EXPECT_EQ(f.answers.respond(signed_by(who, temporary), noon).status, 403u);
    EXPECT_EQ(f.reported.back().verdict, "wrong_token");
}

// What STS answers to a form, signed by `how`; unsigned without it.
answer sts_answer(fixture& f, const std::string& form, const signing* how) {
    request ask = make("POST", "sts.us-east-1.amazonaws.com", "/", form);
    ask.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
    return f.answers.respond(how ? signed_by(std::move(ask), *how) : ask, noon);
}

signing keys_in(const answer& made) {
    signing keys;
    keys.service = "sts";
    keys.access_key_id = between(made.body, "<AccessKeyId>", "<");
    keys.secret = between(made.body, "<SecretAccessKey>", "<");
    keys.token = between(made.body, "<SessionToken>", "<");
    return keys;
}

TEST(Sandbox, GivesSessionsToLongLivedKeysWithARightCode) {
    fixture f;
    signing user;
    user.service = "sts";
    const std::string ask = "Action=GetSessionToken&SerialNumber=arn:aws:iam::000000000000:mfa/me&TokenCode=";
    const answer made = sts_answer(f, ask + "123456", &user);
    ASSERT_EQ(made.status, 200u) << made.body;
    EXPECT_THAT(made.body, HasSubstr("<Expiration>2015-08-30T12:16:40Z</Expiration>"));
    const signing session = keys_in(made);
    EXPECT_THAT(
        sts_answer(f, "Action=GetCallerIdentity", &session).body,
        HasSubstr("<Arn>arn:aws:iam::000000000000:user/sandbox</Arn>")
    );
    EXPECT_THAT(sts_answer(f, ask + "123456", &session).body, HasSubstr("with session credentials"));
    EXPECT_THAT(sts_answer(f, ask + "000000", &user).body, HasSubstr("invalid MFA one time pass code"));
    EXPECT_THAT(sts_answer(f, ask + "12345", &user).body, HasSubstr("<Code>ValidationError</Code>"));
    EXPECT_THAT(sts_answer(f, "Action=GetSessionToken&TokenCode=123456", &user).body, HasSubstr("both MFA serial"));
    EXPECT_EQ(sts_answer(f, "Action=GetSessionToken", &user).status, 200u);
    EXPECT_EQ(sts_answer(f, "Action=GetSessionToken&DurationSeconds=129601", &user).status, 400u);
    EXPECT_EQ(sts_answer(f, ask + "123456", nullptr).status, 403u);
}

TEST(Sandbox, AssumesARoleByAnIdentityTokenWithoutASignature) {
    fixture f;
    const std::string ask = "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::000000000000:role/web&"
                            "RoleSessionName=pod&WebIdentityToken=eyJhbGciOiJSUzI1NiJ9.";
    // {"iss":"https://idp","sub":"pod","exp":1440936001}, a second after noon; then one of noon.
    const std::string good = "eyJpc3MiOiJodHRwczovL2lkcCIsInN1YiI6InBvZCIsImV4cCI6MTQ0MDkzNjAwMX0.c2ln";
    const std::string late = "eyJpc3MiOiJodHRwczovL2lkcCIsInN1YiI6InBvZCIsImV4cCI6MTQ0MDkzNjAwMH0.c2ln";
    const answer made = sts_answer(f, ask + good, nullptr);
    ASSERT_EQ(made.status, 200u) << made.body;
    EXPECT_EQ(f.reported.back().verdict, "unsigned");
    EXPECT_THAT(made.body, HasSubstr("<SubjectFromWebIdentityToken>pod<"));
    const signing session = keys_in(made);
    EXPECT_THAT(
        sts_answer(f, "Action=GetCallerIdentity", &session).body,
        HasSubstr("<Arn>arn:aws:sts::000000000000:assumed-role/web/pod</Arn>")
    );
    EXPECT_THAT(sts_answer(f, ask + late, nullptr).body, HasSubstr("<Code>ExpiredTokenException</Code>"));
    const answer wrong = sts_answer(f, ask + "no.token", nullptr);
    EXPECT_THAT(wrong.body, HasSubstr("<Code>InvalidIdentityToken</Code>"));
    EXPECT_THAT(wrong.body, Not(HasSubstr("no.token")));
    request elsewhere = make("POST", "sqs.us-east-1.amazonaws.com", "/", ask + good);
    EXPECT_THAT(f.answers.respond(elsewhere, noon).body, HasSubstr("MissingAuthenticationToken"))
        << "only STS takes it";
}

TEST(Sandbox, NeverTellsATokenInItsExplanations) {
    fixture f;
    signing temporary;
    temporary.service = "sts";
    const std::string ask = "/?Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=me";
    const answer made = f.answers.respond(signed_by(make("GET", "sts.us-east-1.amazonaws.com", ask), temporary), noon);
    temporary.access_key_id = between(made.body, "<AccessKeyId>", "<");
    temporary.token = between(made.body, "<SessionToken>", "<");
    temporary.secret = "wrong";
    const answer refused =
        f.answers.respond(signed_by(make("GET", "sts.us-east-1.amazonaws.com", "/"), temporary), noon);
    EXPECT_THAT(refused.body, HasSubstr("(hidden)"));
    EXPECT_THAT(refused.body, Not(HasSubstr(temporary.token)));
    const answer journal = f.answers.respond(make("GET", "127.0.0.1:9911", "/_sandbox/requests"), noon);
    EXPECT_THAT(journal.body, HasSubstr("wrong_signature"));
    EXPECT_THAT(journal.body, Not(HasSubstr(temporary.token)));
}

TEST(Sandbox, FaultsOnDemandWithoutActing) {
    fixture f;
    f.s3("PUT", "/bucket");
    const answer slow_down = f.s3("PUT", "/bucket/k?x-fault=throttle%3A1", "1");
    EXPECT_EQ(slow_down.status, 503u);
    EXPECT_THAT(slow_down.body, HasSubstr("<Code>SlowDown</Code>"));
    EXPECT_EQ(f.reported.back().fault, "throttle:1");
    EXPECT_EQ(f.s3("GET", "/bucket/k").status, 404u);
    EXPECT_EQ(f.s3("PUT", "/bucket/k?x-fault=throttle%3A1", "1").status, 200u);
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=close%3A1").how, delivery::closed);
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=reset%3A1").how, delivery::reset);
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=truncate").how, delivery::truncated);
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=slow%3A500ms").delay, milliseconds(500));
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=status%3A418").status, 418u);
    const answer later = f.s3("GET", "/bucket/k?x-fault=retry-after%3A3");
    EXPECT_EQ(later.status, 503u);
    EXPECT_EQ(header_of(later, "retry-after"), "3");
    EXPECT_EQ(f.s3("GET", "/bucket/k?x-fault=bogus").status, 400u);
}

TEST(Sandbox, ThrottlesJsonServicesInTheirOwnWords) {
    fixture f;
    signing dynamodb;
    dynamodb.service = "dynamodb";
    request ask = make("POST", "dynamodb.us-east-1.amazonaws.com", "/?x-fault=throttle%3A1", "{}");
    ask.headers.push_back({"X-Amz-Target", "DynamoDB_20120810.ListTables"});
    const answer first = f.answers.respond(signed_by(ask, dynamodb), noon);
    EXPECT_EQ(first.status, 400u);
    EXPECT_THAT(first.body, HasSubstr("\"__type\":\"ThrottlingException\""));
    EXPECT_EQ(f.answers.respond(signed_by(ask, dynamodb), noon).body, R"({"TableNames":[]})");
}

TEST(Sandbox, KeepsItems) {
    fixture f;
    signing dynamodb;
    dynamodb.service = "dynamodb";
    const auto call = [&](const char* operation, const char* body) {
        request ask = make("POST", "dynamodb.us-east-1.amazonaws.com", "/", body);
        ask.headers.push_back({"X-Amz-Target", std::string("DynamoDB_20120810.") + operation});
        return f.answers.respond(signed_by(ask, dynamodb), noon).body;
    };
    EXPECT_THAT(call("PutItem", R"({"TableName":"pets","Item":{"id":{"S":"1"}}})"), HasSubstr("ResourceNotFound"));
    const char* schema = R"({"TableName":"pets","KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]})";
    EXPECT_THAT(call("CreateTable", schema), HasSubstr("ACTIVE"));
    EXPECT_THAT(call("CreateTable", schema), HasSubstr("ResourceInUseException"));
    EXPECT_EQ(call("PutItem", R"({"TableName":"pets","Item":{"id":{"S":"1"},"name":{"S":"Rex"}}})"), "{}");
    EXPECT_THAT(call("PutItem", R"({"TableName":"pets","Item":{"name":{"S":"Rex"}}})"), HasSubstr("Validation"));
    EXPECT_THAT(call("GetItem", R"({"TableName":"pets","Key":{"id":{"S":"1"}}})"), HasSubstr("Rex"));
    EXPECT_EQ(call("GetItem", R"({"TableName":"pets","Key":{"id":{"S":"2"}}})"), "{}");
    EXPECT_THAT(call("GetItem", "no json"), HasSubstr("SerializationException"));
    EXPECT_THAT(call("Scan", "{}"), HasSubstr("UnknownOperationException"));
}

TEST(Sandbox, GivesInstanceCredentialsOnlyForAToken) {
    fixture f;
    const std::string host = "127.0.0.1:9911";
    const std::string path = "/latest/meta-data/iam/security-credentials/sandbox-role";
    EXPECT_EQ(f.answers.respond(make("GET", host, path), noon).status, 401u);
    EXPECT_EQ(f.answers.respond(make("PUT", host, "/latest/api/token"), noon).status, 400u);
    request ask = make("PUT", host, "/latest/api/token");
    ask.headers.push_back({"X-aws-ec2-metadata-token-ttl-seconds", "60"});
    const std::string token = f.answers.respond(ask, noon).body;
    request get = make("GET", host, path);
    get.headers.push_back({"X-aws-ec2-metadata-token", token});
    const answer keys = f.answers.respond(get, noon);
    EXPECT_THAT(keys.body, HasSubstr("\"Code\":\"Success\""));
    EXPECT_THAT(keys.body, HasSubstr("2015-08-30T12:16:40Z"));
    EXPECT_EQ(f.answers.respond(get, noon).body, keys.body); // not new ones each time
    EXPECT_EQ(f.answers.respond(get, noon + seconds(60)).status, 401u);
    ask.headers.push_back({"X-Forwarded-For", "10.0.0.1"});
    EXPECT_EQ(f.answers.respond(ask, noon).status, 403u);
}

TEST(Sandbox, GivesContainerCredentials) {
    fixture f;
    const auto get = [&](const char* path, const char* authorization) {
        request ask = make("GET", "127.0.0.1:9911", path);
        if (authorization)
            ask.headers.push_back({"Authorization", authorization});
        return f.answers.respond(ask, noon).status;
    };
    EXPECT_EQ(get("/container/credentials", nullptr), 200u);
    EXPECT_EQ(get("/container/credentials", "sandbox-container-token"), 200u);
    EXPECT_EQ(get("/container/credentials", "wrong"), 403u);
    EXPECT_EQ(get("/container/guarded-credentials", nullptr), 403u);
    EXPECT_EQ(get("/container/guarded-credentials", "sandbox-container-token"), 200u);
}

TEST(Sandbox, KeepsItsOwnPagesAndMetadataOffAwsHosts) {
    fixture f;
    for (const char* path : {"/_sandbox/requests", "/latest/api/token", "/container/credentials"})
        EXPECT_EQ(f.answers.respond(make("GET", "s3.us-east-1.amazonaws.com", path), noon).status, 403u) << path;
}

// What people read

TEST(SandboxPage, HidesTokensAndCutsSignatures) {
    const auto shown = without_secrets({
        {"X-Amz-Security-Token", "token"},
        {"Authorization", "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=0123456789abcdef"},
        {"authorization", "Bearer token"},
        {"Host", "h"},
    });
    EXPECT_EQ(shown[0].value, "(hidden)");
    EXPECT_EQ(shown[1].value, "AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host, Signature=01234567...");
    EXPECT_EQ(shown[2].value, "(hidden)");
    EXPECT_EQ(shown[3].value, "h");
}

TEST(SandboxPage, WritesOneLineWhateverTheRequestHolds) {
    journal_entry e;
    e.method = "GET";
    e.host = "a b";
    e.path = "/x\r\nsandbox: forged";
    e.verdict = "wrong_scope";
    e.detail = "not this\n";
    e.status = 403;
    EXPECT_EQ(describe(e), "GET a\\x20b /x\\x0d\\x0asandbox:\\x20forged - - wrong_scope 403 (not this\\x0a)");
}

TEST(SandboxMessage, DecodesAndEncodes) {
    EXPECT_EQ(percent_decode("a%20b%2fc+%zz%4"), "a b/c+%zz%4");
    EXPECT_EQ(percent_decode("%00").size(), 1u);
    EXPECT_EQ(percent_encode("a b/\xc3\xbc~"), "a%20b/%C3%BC~");
    const auto form = parse_form("a=1&&b=x+y%26&c&=d&a=2");
    ASSERT_EQ(form.size(), 5u);
    EXPECT_EQ(find_value(form, "a"), "1");
    EXPECT_EQ(find_value(form, "b"), "x y&");
    EXPECT_EQ(find_value(form, "c"), "");
    EXPECT_EQ(find_value(form, "d"), std::nullopt);
    EXPECT_EQ(http_time(noon), "Sun, 30 Aug 2015 12:00:00 GMT");
}

} // namespace sandbox_test
} // namespace countersign::proxy::sandbox
