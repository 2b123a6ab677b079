// Prints the state machine as Markdown, for ARCHITECTURE.md.
#include <iostream>

#include "server/domain/transition_table.h"

int main() {
  std::cout << bits::domain::TransitionTableMarkdown();
  return std::cout.flush() ? 0 : 1;
}
