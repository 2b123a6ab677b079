// URLs carry secrets: names and passwords, signed queries. Whatever is logged or
// said in an error text goes through here first.

#ifndef BITS_SERVER_BASE_REDACT_H_
#define BITS_SERVER_BASE_REDACT_H_

#include <string>
#include <string_view>

namespace bits {

// The URL without userinfo, query and fragment: "https://u:p@h/a?sig=1#x" gives
// "https://h/a?…". The mark stands for a query or fragment that was there. Takes
// any text: what does not parse as a URL loses what might be a secret all the
// same.
std::string RedactUrl(std::string_view url);

}  // namespace bits

#endif  // BITS_SERVER_BASE_REDACT_H_
