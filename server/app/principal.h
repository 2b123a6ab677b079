// On whose behalf a use case runs.
#ifndef BITS_SERVER_APP_PRINCIPAL_H_
#define BITS_SERVER_APP_PRINCIPAL_H_

#include <string>

namespace bits::app {

struct Principal {
  std::string name;
  // May see and touch every job (BITS: an administrator).
  bool administrator = false;
};

}  // namespace bits::app

#endif  // BITS_SERVER_APP_PRINCIPAL_H_
