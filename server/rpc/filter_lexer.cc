#include "server/rpc/filter_lexer.h"

#include <algorithm>

namespace bits::rpc {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kNotInWords = " \t\r\n()<>=!:\"'";

}  // namespace

FilterToken FilterLexer::Next() {
  using K = FilterToken::Kind;
  at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
  FilterToken token;
  token.position = at_ + 1;
  if (at_ == text_.size()) return token;

  const char first = text_[at_];
  const bool equals_follows = at_ + 1 < text_.size() && text_[at_ + 1] == '=';
  switch (first) {
    case '(':
    case ')':
      token.kind = first == '(' ? K::kOpen : K::kClose;
      ++at_;
      return token;
    case '=':
    case ':':
      token.kind = K::kOperator;
      token.text = first;
      ++at_;
      return token;
    case '<':
    case '>':
    case '!':
      if (first == '!' && !equals_follows) {
        token.kind = K::kBad;
        token.text = "`!` stands only in `!=`";
        return token;
      }
      token.kind = K::kOperator;
      token.text = text_.substr(at_, equals_follows ? 2 : 1);
      at_ += token.text.size();
      return token;
    case '"':
    case '\'':
      return Quoted(std::move(token));
    default:
      break;
  }
  token.kind = K::kWord;
  token.text =
      text_.substr(at_, std::min(text_.find_first_of(kNotInWords, at_), text_.size()) - at_);
  token.star_first = token.text.front() == '*';
  token.star_last = token.text.back() == '*';
  at_ += token.text.size();
  return token;
}

FilterToken FilterLexer::Quoted(FilterToken token) {
  const char quote = text_[at_];
  bool first = true;
  for (size_t i = at_ + 1; i < text_.size(); ++i) {
    char c = text_[i];
    if (c == quote) {
      token.kind = FilterToken::Kind::kQuoted;
      at_ = i + 1;
      return token;
    }
    const bool escaped = c == '\\';
    if (escaped) {
      if (++i == text_.size()) break;
      c = text_[i];
    }
    const bool star = c == '*' && !escaped;
    if (first) token.star_first = star;
    token.star_last = star;
    first = false;
    token.text.push_back(c);
  }
  token.kind = FilterToken::Kind::kBad;
  token.text = "the quote is not closed";
  return token;
}

}  // namespace bits::rpc
