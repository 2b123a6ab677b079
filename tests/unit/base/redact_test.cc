#include "server/base/redact.h"

#include <gtest/gtest.h>

#include <string>

namespace bits {
namespace {

struct Case {
  const char* url;
  const char* redacted;
};

class RedactUrlTest : public testing::TestWithParam<Case> {};

TEST_P(RedactUrlTest, Gives) { EXPECT_EQ(RedactUrl(GetParam().url), GetParam().redacted); }

INSTANTIATE_TEST_SUITE_P(
    All, RedactUrlTest,
    testing::Values(
        Case{"", ""}, Case{"https://h/p", "https://h/p"}, Case{"https://h", "https://h"},
        Case{"https://h:8443/p/q.bin", "https://h:8443/p/q.bin"},
        Case{"https://h/p?X-Amz-Signature=s", "https://h/p?…"}, Case{"https://h?s", "https://h?…"},
        Case{"https://h/p#s", "https://h/p?…"}, Case{"https://h/p?a#b?c", "https://h/p?…"},
        Case{"https://h/p?", "https://h/p?…"}, Case{"https://u@h/p", "https://h/p"},
        Case{"https://u:s@h:1/p", "https://h:1/p"}, Case{"https://u:s@t@h/p", "https://h/p"},
        Case{"HTTP://u:s@h/p", "HTTP://h/p"}, Case{"https://u:s@[::1]:80/p", "https://[::1]:80/p"},
        Case{"https://[::1]/p", "https://[::1]/p"}, Case{"https://h/a@b/c", "https://h/a@b/c"},
        Case{"https:///u:s@h/p", "https:///h/p"}, Case{"https:\\\\u:s@h/p", "https:\\\\h/p"},
        Case{"u:s@h/p", "h/p"}, Case{"h:80/p", "h:80/p"}, Case{"file:///a@b/c", "file:///a@b/c"},
        Case{"file:///a?s", "file:///a?…"},
        // Not URLs, by a character that was not escaped: nothing is shown.
        Case{"https://u:s/t@h/p", "https://…"}, Case{"https://u:s?t@h/p", "https://…"},
        Case{"https://u:s#t@h/p", "https://…"}, Case{"https://[u:s", "https://…"},
        Case{"u:s/t@h", "…"}));

}  // namespace
}  // namespace bits
