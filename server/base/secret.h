// A text that must not be seen: it has no way into a log, and its memory is wiped at its end.
#ifndef BITS_SERVER_BASE_SECRET_H_
#define BITS_SERVER_BASE_SECRET_H_

#include <string.h>  // explicit_bzero

#include <string>
#include <string_view>
#include <utility>

namespace bits {

// A value: copy it freely, every copy wipes its own memory. What it was made of is the caller's.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { other.Wipe(); }
  Secret& operator=(const Secret& other) {
    if (this != &other) {
      Wipe();
      text_ = other.text_;
    }
    return *this;
  }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      Wipe();
      text_ = std::move(other.text_);
      other.Wipe();
    }
    return *this;
  }
  ~Secret() { Wipe(); }

  // For whoever must use it. Good while this lives and is not changed.
  const std::string& Reveal() const { return text_; }
  bool empty() const { return text_.empty(); }

  bool operator==(const Secret&) const = default;

 private:
  void Wipe() {
    // Also what a short text leaves behind within the string itself.
    text_.resize(text_.capacity());
    explicit_bzero(text_.data(), text_.size());
    text_.clear();
  }

  std::string text_;
};

// Wipes a text that is not needed any more.
inline void WipeText(std::string& text) { const Secret gone(std::move(text)); }

}  // namespace bits

#endif  // BITS_SERVER_BASE_SECRET_H_
