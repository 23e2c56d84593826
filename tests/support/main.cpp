// The main() of every test program; suites are in the other files.
#define BOOST_TEST_MODULE quire
#include <boost/test/unit_test.hpp>
