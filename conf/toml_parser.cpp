// toml++'s implementation, compiled here alone. toml++ 3.3 answers some wrong files ("a = [}") with a failed
// assertion, or with undefined behaviour where assertions are off; here they are on in every build and throw,
// so that a bad file read on SIGHUP never ends the proxy. load.cpp catches what is thrown.
#undef NDEBUG

#include <stdexcept>

namespace countersign::conf {
namespace {

[[noreturn]] void give_up() {
    throw std::logic_error("toml++ met something that it thought impossible");
}

} // namespace
} // namespace countersign::conf

#define TOML_IMPLEMENTATION
#define TOML_ASSERT(expression) ((expression) ? static_cast<void>(0) : countersign::conf::give_up())

#include <toml++/toml.h>
