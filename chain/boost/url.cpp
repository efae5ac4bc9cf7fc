// Boost.URL is compiled here, once, instead of in every file that includes it.
#include <boost/url/src.hpp>
