// What is thrown for a configuration that cannot be used. Any thread.
#pragma once

#include <stdexcept>

namespace countersign::conf {

// what() is "FILE:LINE: what is wrong; what to do instead" (without FILE:LINE for environment and flags).
class error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

} // namespace countersign::conf
