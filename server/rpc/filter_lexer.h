// The words of a filter's text. Pure; any thread.
#ifndef BITS_SERVER_RPC_FILTER_LEXER_H_
#define BITS_SERVER_RPC_FILTER_LEXER_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace bits::rpc {

struct FilterToken {
  enum class Kind : uint8_t { kEnd, kOpen, kClose, kOperator, kWord, kQuoted, kBad };
  Kind kind = Kind::kEnd;
  std::string text;     // of kOperator, kWord, kQuoted (without quotes); of kBad what is wrong
  size_t position = 0;  // of its first byte, from 1
  // A `*` that means a wildcard stands at that end; it is in `text`.
  bool star_first = false;
  bool star_last = false;

  bool IsWord(std::string_view word) const { return kind == Kind::kWord && text == word; }
};

class FilterLexer {
 public:
  explicit FilterLexer(std::string_view text) : text_(text) {}
  // The next token; kEnd for ever once there is none.
  FilterToken Next();

 private:
  FilterToken Quoted(FilterToken token);

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_FILTER_LEXER_H_
