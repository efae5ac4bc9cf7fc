// Any bytes as a host: no crash, every view inside the host or constant, and the properties a signer relies
// on.
#include "signer/scope.hpp"

#include <cstdlib>
#include <functional>

namespace {

bool is_inside(std::string_view part, std::string_view whole) {
    const std::less_equal<const char*> not_after;
    return not_after(whole.data(), part.data()) && not_after(part.data() + part.size(), whole.data() + whole.size());
}

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string_view host(reinterpret_cast<const char*>(bytes), size);
    const auto found = countersign::signer::scope_of(host);
    if (const auto* scope = std::get_if<countersign::signer::host_scope>(&found)) {
        require(!scope->service.empty() && !scope->region.empty() && !scope->partition.empty());
        require(size <= 253 && host.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == host.npos);
        require(!is_inside(scope->service, host)); // a signing name never is what a client wrote
        (void)countersign::signer::traits_of(scope->service);
    }
    (void)countersign::signer::traits_of(host);
    return 0;
}
