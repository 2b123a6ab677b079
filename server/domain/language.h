// The languages in which bitsd has texts.
#ifndef BITS_SERVER_DOMAIN_LANGUAGE_H_
#define BITS_SERVER_DOMAIN_LANGUAGE_H_

#include <cstdint>

namespace bits::domain {

// To add one: a table beside error_code_german.h, a row in error_code.cc, its code in rpc/locale.cc.
enum class Language : uint8_t { kEnglish, kGerman };

}  // namespace bits::domain

#endif  // BITS_SERVER_DOMAIN_LANGUAGE_H_
