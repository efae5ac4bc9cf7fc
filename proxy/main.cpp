// The command line: a table of subcommands, each with its flags and the function that does the work.
#include "proxy/commands.hpp"
#include "proxy/sandbox/keys.hpp" // lint: --help shows them

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace countersign::proxy {
namespace {

constexpr int wrong_usage = 2;

constexpr const char* examples = R"(Examples:
  countersign serve
  http_proxy=http://127.0.0.1:8080 curl http://s3.eu-west-1.amazonaws.com/bucket/key
  printf 'GET / HTTP/1.1\r\nHost: iam.amazonaws.com\r\n\r\n' | countersign sign --service iam --region us-east-1
  countersign presign --expires 600 https://bucket.s3.eu-west-1.amazonaws.com/report.csv
  countersign presign https://sqs.eu-west-1.amazonaws.com/ | countersign inspect
  countersign credentials --output explain
  countersign session --profile me --save me-mfa
  echo sqs.eu-west-1.amazonaws.com | countersign scope

Exit status: 0 done, 1 failed (one line on standard error; inspect: something is wrong), 2 wrong usage.
The manual page countersign(1) has the whole of it.)";

using work = std::function<int()>;

struct subcommand {
    const char* name;
    const char* about;
    work (*declare)(CLI::App& command); // adds the flags; what it returns runs once they are parsed
};

// What `serve` and `config show` have in common.
std::shared_ptr<serve_arguments> add_serve_flags(CLI::App& command) {
    auto a = std::make_shared<serve_arguments>();
    command.add_option("--config", a->config, "Configuration file (TOML); see `countersign config check`")
        ->type_name("FILE");
    command.add_option("--listen", a->listen, "Address to listen on, may be repeated (127.0.0.1:8080)")
        ->type_name("HOST:PORT")
        ->allow_extra_args(false);
    command.add_option("--admin", a->admin, "Address of /healthz, /readyz and /metrics, or off (127.0.0.1:8081)")
        ->type_name("HOST:PORT");
    command.add_option("--profile", a->profile, "Profile of ~/.aws/config and ~/.aws/credentials");
    command.add_option("--region", a->region, "Region where neither host nor route names one");
    command
        .add_option("--access-key-id", a->access_key_id, "With the next flag: these keys instead of the provider chain")
        ->type_name("ID");
    command.add_option("--secret-access-key-file", a->secret_access_key_file, "File that holds the secret access key")
        ->type_name("FILE");
    command.add_option("--log-level", a->log_level, "How much to log")
        ->check(CLI::IsMember({"debug", "info", "warn", "error", "off"}));
    command.add_option("--log-format", a->log_format, "Form of the log's lines")
        ->check(CLI::IsMember({"text", "json"}));
    return a;
}

work declare_serve(CLI::App& command) {
    const auto a = add_serve_flags(command);
    return [a] { return run_serve(*a); };
}

work declare_sign(CLI::App& command) {
    auto a = std::make_shared<sign_arguments>();
    command.add_option("--service", a->service, "Signing name of the service, as in s3")->required();
    command
        .add_option("--region", a->region, "Region, as in eu-west-1; with --sigv4a a region set, as in us-*,eu-west-1")
        ->required();
    command.add_flag("--sigv4a", a->sigv4a, "Sign for several regions (SigV4A, ECDSA)");
    command.add_option("--time", a->time, "Sign as of this moment instead of now")->type_name("YYYYMMDDTHHMMSSZ");
    auto* query = command.add_flag("--query", a->query, "Put the signature into the query (a presigned URL)");
    command.add_option("--expires", a->expires, "With --query: how long the signature lasts, in seconds; 0: not said")
        ->check(CLI::Range(0u, 604800u))
        ->needs(query)
        ->capture_default_str();
    command.add_flag("--unsigned-payload", a->unsigned_payload, "Sign UNSIGNED-PAYLOAD instead of the body's hash");
    command.add_flag("--content-sha256-header", a->content_sha256_header, "Add and sign x-amz-content-sha256");
    command.add_flag("!--no-normalize-path", a->normalize_path, "Keep dots and double slashes of the path (S3)");
    command.add_flag("!--no-double-encode", a->double_encode, "Percent-encode the path once only (S3)");
    command.add_flag("--session-token-after", a->session_token_after, "Add the session token after signing (IoT)");
    command.add_option("--profile", a->profile, "Profile of ~/.aws/config and ~/.aws/credentials");
    command.add_option("--output", a->output, "The signed request, or every step as JSON")
        ->check(CLI::IsMember({"request", "json"}))
        ->capture_default_str();
    return [a] { return run_sign(*a); };
}

work declare_presign(CLI::App& command) {
    auto a = std::make_shared<presign_arguments>();
    command.add_option("url", a->url, "What to open, as in https://bucket.s3.eu-west-1.amazonaws.com/key")
        ->type_name("URL")
        ->required();
    command.add_option("--method", a->method, "The method that the URL will be used with")->capture_default_str();
    command.add_option("--service", a->service, "Signing name of the service, where the host does not say it");
    command.add_option("--region", a->region, "Region, where the host does not say it");
    command.add_option("--expires", a->expires, "How long it lasts, in seconds (3600, at most 604800)")
        ->check(CLI::Range(1u, 604800u));
    command.add_option("--time", a->time, "Sign as of this moment instead of now")->type_name("YYYYMMDDTHHMMSSZ");
    command.add_flag("--sigv4a", a->sigv4a, "Sign for several regions: --region is a set, as in us-east-1,eu-* (or *)");
    command.add_flag("--unsigned-payload", a->unsigned_payload, "Sign UNSIGNED-PAYLOAD, as always for S3");
    command.add_flag("--session-token-after", a->session_token_after, "Add the session token after signing (IoT)");
    command.add_option("--profile", a->profile, "Profile of ~/.aws/config and ~/.aws/credentials");
    return [a] { return run_presign(*a); };
}

work declare_inspect(CLI::App& command) {
    auto a = std::make_shared<inspect_arguments>();
    command
        .add_option("subject", a->subject, "A presigned URL; - or nothing: a URL, request or header on standard input")
        ->type_name("URL|-");
    command.add_option("--time", a->time, "Judge as of this moment instead of now")->type_name("YYYYMMDDTHHMMSSZ");
    command.add_option("--output", a->output, "A table, or JSON for programs")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    auto* ours =
        command
            .add_option(
                "--canonical-request", a->canonical_request, "What was signed, or what `sign --output json` wrote"
            )
            ->type_name("FILE|-");
    auto* theirs =
        command.add_option("--server-answer", a->server_answer, "SignatureDoesNotMatch: find where the two part")
            ->type_name("FILE|-");
    ours->needs(theirs);
    theirs->needs(ours);
    return [a] { return run_inspect(*a); };
}

work declare_credentials(CLI::App& command) {
    auto a = std::make_shared<credentials_arguments>();
    command.add_option("--profile", a->profile, "Profile of ~/.aws/config and ~/.aws/credentials");
    command.add_option("--region", a->region, "Region of the calls that obtain credentials");
    command.add_option("--access-key-id", a->access_key_id, "With the next flag: these keys")->type_name("ID");
    command.add_option("--secret-access-key-file", a->secret_access_key_file, "File that holds the secret access key")
        ->type_name("FILE");
    command.add_option("--output", a->output, "json: as credential_process; explain: where they came from")
        ->check(CLI::IsMember({"json", "explain"}))
        ->capture_default_str();
    return [a] { return run_credentials(*a); };
}

work declare_session(CLI::App& command) {
    auto a = std::make_shared<session_arguments>();
    command.add_option("--serial-number", a->serial_number, "The MFA device; else mfa_serial of the profile")
        ->type_name("ARN");
    command.add_option("--token-code", a->token_code, "What it shows; else asked on the terminal")->type_name("NNNNNN");
    command.add_option("--duration-seconds", a->duration_seconds, "How long the keys last (43200)")
        ->check(CLI::Range(900u, 129600u));
    command.add_option("--profile", a->profile, "Profile with the long-lived keys");
    command.add_option("--region", a->region, "Region whose STS is asked");
    command.add_option("--save", a->save, "Profile of ~/.aws/credentials that gets the temporary keys")
        ->type_name("PROFILE")
        ->required();
    return [a] { return run_session(*a); };
}

work declare_scope(CLI::App& command) {
    auto a = std::make_shared<scope_arguments>();
    command.add_option("host", a->hosts, "Host names; without them standard input, one a line")->type_name("HOST");
    auto* explain = command.add_flag("--explain", a->explain, "Say which rule decided, or which route");
    command.add_option("--config", a->config, "With --explain: the configuration whose routes count")
        ->type_name("FILE")
        ->needs(explain);
    return [a] { return run_scope(*a); };
}

work declare_config(CLI::App& command) {
    auto file = std::make_shared<std::optional<std::filesystem::path>>();
    command.require_subcommand(1);
    auto* check = command.add_subcommand("check", "Read a configuration and say what is wrong with it");
    check->add_option("file", *file, "The file; without it the one that `serve` would use")->type_name("FILE");
    auto* show = command.add_subcommand("show", "The configuration in force, and where each value came from");
    const auto flags = add_serve_flags(*show);
    return [file, flags, show] { return show->parsed() ? run_config_show(*flags) : run_config_check(*file); };
}

work declare_sandbox(CLI::App& command) {
    auto a = std::make_shared<sandbox_arguments>();
    command.add_option("--listen", a->listen, "Address to listen on; port 0 takes a free one")
        ->type_name("HOST:PORT")
        ->capture_default_str();
    auto* certificate =
        command.add_option("--tls-certificate", a->tls_certificate, "PEM file; the port then speaks TLS too")
            ->type_name("FILE");
    auto* key = command.add_option("--tls-key", a->tls_key, "PEM file")->type_name("FILE");
    certificate->needs(key);
    key->needs(certificate);
    command
        .add_option(
            "--make-certificate",
            a->make_certificate,
            "Speak TLS too, as every AWS host, with a throwaway authority; its ca.pem goes into this folder"
        )
        ->type_name("FOLDER")
        ->excludes(certificate);
    command.add_option("--credential-lifetime", a->credential_lifetime, "Life of the temporary keys it gives")
        ->type_name("SECONDS")
        ->check(CLI::Range(1, 43200))
        ->capture_default_str();
    command.footer(
        "It knows one key, which is no secret:\n"
        "  access key id      " +
        std::string(sandbox::demo_access_key_id) +
        "\n"
        "  secret access key  " +
        std::string(sandbox::demo_secret_access_key) +
        "\n"
        "GET /_sandbox/ of its address tells the rest."
    );
    return [a] { return run_sandbox(*a); };
}

constexpr subcommand subcommands[] = {
    {"serve", "Run the proxy", declare_serve},
    {"sign", "Sign one HTTP/1.1 request message: standard input to standard output", declare_sign},
    {"presign", "A URL that works for a while without credentials", declare_presign},
    {"inspect",
     "Explain a presigned URL, a signed request, or why a server says SignatureDoesNotMatch",
     declare_inspect},
    {"credentials", "Show the credentials that would sign, or why there are none", declare_credentials},
    {"session", "Temporary keys by the code of an MFA device, saved as a profile", declare_session},
    {"scope", "Service and region that a host name stands for", declare_scope},
    {"config", "Check a configuration, or show the one in force", declare_config},
    {"sandbox", "A local endpoint that verifies signatures, for trials and tests", declare_sandbox},
};

// CLI11 spreads some messages over several lines.
std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

// Never repeats an argument's value: --secret-access-key wJal… must not end in a log.
std::string unexpected(const CLI::App& app) {
    for (const std::string& argument : app.remaining(true)) {
        const std::string name = argument.substr(0, argument.find('='));
        if (name.starts_with("--secret") || name.starts_with("--session-token")) {
            return "secrets are never flags: name a file with --secret-access-key-file";
        }
        if (name.starts_with('-')) {
            return "there is no flag " + name;
        }
    }
    return "more arguments than expected";
}

int wrong(const std::string& problem) {
    std::fprintf(stderr, "countersign: %s (see countersign --help)\n", one_line(problem).c_str());
    return wrong_usage;
}

int run(int argc, char** argv) {
    CLI::App app("A forward HTTP proxy that signs requests for AWS.", "countersign");
    app.set_version_flag("--version", "countersign " COUNTERSIGN_VERSION);
    app.require_subcommand(1);
    work chosen;
    bool is_known = argc < 2 || argv[1][0] == '-';
    for (const subcommand& s : subcommands) {
        CLI::App* command = app.add_subcommand(s.name, s.about);
        command->parse_complete_callback([&chosen, w = s.declare(*command)] { chosen = w; });
        is_known = is_known || s.name == std::string_view(argv[1]);
    }
    app.footer(examples);
    if (!is_known) {
        return wrong("there is no such subcommand");
    }
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& e) { // --help, --version
        return app.exit(e);
    } catch (const CLI::ExtrasError&) {
        return wrong(unexpected(app));
    } catch (const CLI::ParseError& e) {
        return wrong(e.what());
    }
    return chosen();
}

} // namespace
} // namespace countersign::proxy

int main(int argc, char** argv) {
    try {
        return countersign::proxy::run(argc, argv);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "countersign: %s\n", e.what());
        return 1;
    }
}
