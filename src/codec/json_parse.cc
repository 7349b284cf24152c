#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <vector>

#include "codec/json.h"

namespace salus::codec {

namespace {

using boost::json::error_code;
using boost::json::string_view;

// Builder makes the tree from the parser's events. Boost's own keeps the last of two members of one
// name without a word, and rounds doubles by a digit; that is why this one exists.
class Builder {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    stack_.emplace_back().value.emplace_object();
    return true;
  }
  bool on_object_end(std::size_t, error_code&) { return Close(); }
  bool on_array_begin(error_code&) {
    stack_.emplace_back().value.emplace_array();
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return Close(); }
  bool on_key_part(string_view part, std::size_t, error_code&) { return Collect(part); }
  bool on_key(string_view part, std::size_t, error_code& ec) {
    Frame& frame = stack_.back();
    if (text_.empty()) {
      frame.key.assign(part.data(), part.size());
    } else {
      Collect(part);
      frame.key.swap(text_);
      text_.clear();
    }
    if (frame.value.get_object().contains(frame.key)) return Refuse("duplicate member name", ec);
    return true;
  }
  bool on_string_part(string_view part, std::size_t, error_code&) { return Collect(part); }
  bool on_string(string_view part, std::size_t, error_code&) {
    if (text_.empty()) return Put(Json(part));
    Collect(part);
    Put(Json(string_view(text_)));
    text_.clear();
    return true;
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t value, string_view, error_code&) { return Put(Json(value)); }
  bool on_uint64(std::uint64_t value, string_view, error_code&) { return Put(Json(value)); }
  bool on_double(double, string_view digits, error_code& ec) {
    if (digits.find_first_of(".eE") == string_view::npos) {
      return Refuse("integer does not fit 64 bits", ec);
    }
    double value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    const std::size_t mantissa_size = std::min(digits.find_first_of("eE"), digits.size());
    const bool vanished =
        value == 0 &&
        digits.substr(0, mantissa_size).find_first_of("123456789") != string_view::npos;
    if (error != std::errc() || stop != end || !std::isfinite(value) || vanished) {
      return Refuse("number out of range", ec);
    }
    return Put(Json(value));
  }
  bool on_bool(bool value, error_code&) { return Put(Json(value)); }
  bool on_null(error_code&) { return Put(Json(nullptr)); }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }

  std::string_view refusal() const { return refusal_; }
  Json Take() && { return std::move(result_); }

 private:
  struct Frame {
    Json value;
    std::string key;  // of the member being read, where value is an object
  };

  bool Collect(string_view part) {
    text_.append(part.data(), part.size());
    return true;
  }

  bool Refuse(std::string_view why, error_code& ec) {
    refusal_ = why;
    ec = make_error_code(boost::json::error::syntax);
    return false;
  }

  bool Put(Json&& value) {
    if (stack_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Frame& frame = stack_.back();
    if (frame.value.is_array()) {
      frame.value.get_array().push_back(std::move(value));
    } else {
      frame.value.get_object().emplace(frame.key, std::move(value));
    }
    return true;
  }

  bool Close() {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    return Put(std::move(done));
  }

  std::vector<Frame> stack_;
  std::string text_;
  Json result_;
  std::string_view refusal_;
};

Error Bad(std::size_t offset, std::string_view what) {
  return InvalidArgument("json: byte " + std::to_string(offset) + ": " + std::string(what));
}

}  // namespace

Result<Json> ParseJson(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_size_bytes) {
    return InvalidArgument("json: longer than " + std::to_string(limits.max_size_bytes) + " bytes");
  }
  boost::json::parse_options options;
  options.max_depth = limits.max_depth;
  boost::json::basic_parser<Builder> parser(options);
  error_code ec;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), ec);
  const Builder& builder = parser.handler();
  if (!builder.refusal().empty()) return Bad(used, builder.refusal());
  if (ec) return Bad(used, ec.message());
  if (used < text.size()) return Bad(used, "something follows the value");
  return std::move(parser.handler()).Take();
}

}  // namespace salus::codec
