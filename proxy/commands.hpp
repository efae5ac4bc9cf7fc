// The subcommands as main.cpp's table calls them: what each takes, and the function that does the work, which returns
// the exit status: 0 done, 1 failed with one clear line on standard error, 2 wrong usage.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace countersign::proxy {

// What the command line adds to (and sets over) the configuration.
struct serve_arguments {
    std::optional<std::filesystem::path> config;
    std::vector<std::string> listen;
    std::string admin; // "" = from the file, "off" = none
    std::string profile, region, access_key_id, secret_access_key_file;
    std::string log_level, log_format;
};
// Runs until SIGTERM or SIGINT and the drain after it.
int run_serve(const serve_arguments& a);

struct sign_arguments {
    std::string service;
    std::string region; // with sigv4a: the region set
    std::string time;   // YYYYMMDDTHHMMSSZ, "" = now
    bool sigv4a = false;
    bool query = false;
    unsigned expires = 3600; // 0: no X-Amz-Expires
    bool unsigned_payload = false;
    bool content_sha256_header = false;
    bool normalize_path = true;
    bool double_encode = true;
    bool session_token_after = false;
    std::string profile;
    std::string output = "request"; // request | json
};
int run_sign(const sign_arguments& a);

struct presign_arguments {
    std::string url;
    std::string method = "GET";
    std::string service, region, time; // "": the host's, the host's, now
    std::optional<unsigned> expires;   // seconds; 3600 where nothing is said
    bool sigv4a = false;               // `region` is a region set then; "" = the host's, else "*"
    bool unsigned_payload = false;
    bool session_token_after = false;
    std::string profile;
};
int run_presign(const presign_arguments& a);

struct inspect_arguments {
    std::string subject;                          // a URL; "" or "-": standard input
    std::string time;                             // "" = now
    std::string output = "text";                  // text | json
    std::string canonical_request, server_answer; // files, "-" is standard input; both or none
};
// 1 also when something is wrong with the signature.
int run_inspect(const inspect_arguments& a);

struct credentials_arguments {
    std::string profile, region, access_key_id, secret_access_key_file;
    std::string output = "json"; // json | explain
};
int run_credentials(const credentials_arguments& a);

struct session_arguments {
    std::string serial_number, token_code; // "": the profile's mfa_serial; asked on the terminal
    std::optional<unsigned> duration_seconds;
    std::string profile, region;
    std::string save; // the profile that is written
};
int run_session(const session_arguments& a);

struct scope_arguments {
    std::vector<std::string> hosts; // none: standard input, one a line
    bool explain = false;
    std::optional<std::filesystem::path> config; // with explain: its routes are looked at, too
};
int run_scope(const scope_arguments& a);

int run_config_check(const std::optional<std::filesystem::path>& file);
int run_config_show(const serve_arguments& a);

struct sandbox_arguments {
    std::string listen = "127.0.0.1:9911"; // ADDRESS:PORT; port 0 takes a free one, the ready line tells which
    std::string tls_certificate, tls_key;  // PEM files; both or none. The port then speaks TLS and plain HTTP
    std::string make_certificate;          // instead: a folder that gets the ca.pem of a throwaway authority
    unsigned credential_lifetime = 3600;   // seconds that temporary keys last
};
int run_sandbox(const sandbox_arguments& a);

} // namespace countersign::proxy
