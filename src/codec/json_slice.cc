#include "codec/json_slice.h"

#include <algorithm>

#include "codec/json.h"

namespace salus::codec {

namespace {

// Reading stops at the end of the text in every case, so that a text which ParseJson did not take
// gives wrong slices and nothing worse.
class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) { SkipBlank(); }

  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    SkipBlank();
    return true;
  }

  std::string_view Value() {
    const std::size_t begin = at_;
    if (at_ < text_.size()) {
      if (text_[at_] == '"') {
        SkipString();
      } else if (text_[at_] == '{' || text_[at_] == '[') {
        SkipNested();
      } else {
        at_ = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
      }
    }
    const std::string_view value = text_.substr(begin, at_ - begin);
    SkipBlank();
    return value;
  }

 private:
  void SkipBlank() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  void SkipString() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void SkipNested() {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        SkipString();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string NameOf(std::string_view quoted) {
  if (quoted.find('\\') == std::string_view::npos && quoted.size() >= 2) {
    return std::string(quoted.substr(1, quoted.size() - 2));
  }
  const Result<Json> name = ParseJson(quoted);
  return name && name->is_string() ? std::string(name->get_string()) : std::string();
}

}  // namespace

std::vector<JsonMemberSlice> JsonMembers(std::string_view object) {
  std::vector<JsonMemberSlice> out;
  Cutter cutter(object);
  if (!cutter.Take('{') || cutter.Take('}')) return out;
  do {
    const std::string_view name = cutter.Value();
    if (!cutter.Take(':')) break;
    out.push_back({NameOf(name), cutter.Value()});
  } while (cutter.Take(','));
  return out;
}

std::vector<std::string_view> JsonElements(std::string_view array) {
  std::vector<std::string_view> out;
  Cutter cutter(array);
  if (!cutter.Take('[') || cutter.Take(']')) return out;
  do {
    out.push_back(cutter.Value());
  } while (cutter.Take(','));
  return out;
}

}  // namespace salus::codec
