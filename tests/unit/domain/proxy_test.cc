#include "server/domain/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bits::domain {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(ProxyList, EntriesWithAndWithoutSchemesAndPorts) {
  EXPECT_THAT(ParseProxyList("Proxy  http=a:8080;https=https://b/ , socks5://[::1]"),
              Optional(ElementsAre(Proxy{"", "http://proxy:80"}, Proxy{"http", "http://a:8080"},
                                   Proxy{"https", "https://b:443"},
                                   Proxy{"", "socks5://[::1]:1080"})));
}

TEST(ProxyList, WhatIsNone) {
  for (const char* list : {"", " ;, ", "a:", "a:0", "a:65536", "a:x", "ftp=a", "=a", "a=", "x://a",
                           "http://", "user@a", "a/b", "a b:c", "http://a?b", "[::1"}) {
    EXPECT_EQ(ParseProxyList(list), std::nullopt) << list;
  }
}

TEST(ProxyBypass, WhatGoesPast) {
  const struct {
    const char* bypass;
    const char* scheme;
    const char* host;
    const char* port;
    bool bypasses;
  } kCases[] = {
      {"", "http", "a.example", "80", false},
      {"a.example", "http", "a.example", "80", true},
      {"A.Example", "http", "a.example", "80", true},
      {"a.example", "http", "b.a.example", "80", false},
      {"*.example", "http", "b.a.example", "80", true},
      {"*.example", "http", "example", "80", false},
      {"*", "https", "anything", "443", true},
      {"<local>", "http", "intranet", "80", true},
      {"<local>", "http", "a.example", "80", false},
      {"<LOCAL>", "http", "[::1]", "80", false},
      {"a:8080", "http", "a", "8080", true},
      {"a:8080", "http", "a", "80", false},
      {"https://a", "http", "a", "80", false},
      {"https://a", "https", "a", "443", true},
      {"x; y,<local> *.z", "http", "b.z", "80", true},
      {"[::1]:80", "http", "[::1]", "80", true},
  };
  for (const auto& c : kCases) {
    EXPECT_THAT(Bypasses(c.bypass, c.scheme, c.host, c.port), Optional(c.bypasses))
        << c.bypass << " " << c.host;
  }
}

TEST(ProxyBypass, WhatIsNone) {
  for (const char* bypass : {"a*b", "**", "a:x", "ftp://a", "<remote>", "a/b", "a ok <x>"}) {
    EXPECT_EQ(Bypasses(bypass, "http", "a", "80"), std::nullopt) << bypass;
  }
}

}  // namespace
}  // namespace bits::domain
