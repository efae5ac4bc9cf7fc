// Web identity from the environment: not available in this version, and therefore an end of the chain where
// it is configured. The next source would sign as somebody else (the node's role instead of the pod's).
#include "chain/provider.hpp"

#include <fmt/format.h>

namespace countersign::chain {

namespace {

constexpr const char* both_variables[] = {"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"};

class web_identity_provider final : public provider {
public:
    explicit web_identity_provider(environment_keys rule) : rule_(rule) {}

    std::string_view name() const noexcept override { return "web_identity"; }

    sight look(const world& outside) const override {
        sight s;
        s.configured = true;
        for (const auto* variable : both_variables) {
            const bool set = outside.setting(variable).has_value();
            s.configured &= set;
            s.seen.push_back(fmt::format("{} is {}", variable, set ? "set" : "not set"));
        }
        return s;
    }

    task<answer> fetch(world& outside) override {
        if (rule_ == environment_keys::overruled)
            co_return not_mine{"a profile named on the command line overrules the environment's web identity"};
        if (!look(outside).configured)
            co_return not_mine{"AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN are not both set"};
        co_return failure{
            "AWS_WEB_IDENTITY_TOKEN_FILE names a web identity: not available in this version of countersign"};
    }

private:
    environment_keys rule_;
};

} // namespace

std::unique_ptr<provider> web_identity_source(environment_keys rule) {
    return std::make_unique<web_identity_provider>(rule);
}

} // namespace countersign::chain
