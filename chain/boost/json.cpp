// Boost.JSON is compiled here, once, instead of in every file that includes it.
#include <boost/json/src.hpp>
