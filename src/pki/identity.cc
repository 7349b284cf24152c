#include "pki/identity.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/utf8.h"

namespace salus::pki {
namespace {

constexpr std::string_view kPrefix = "urn:salus:";
// Each byte may become %XX.
constexpr std::size_t kMaxUriBytes = kPrefix.size() + 3 * (kMaxOriginBytes + kMaxIdBytes) + 32;
constexpr char kHex[] = "0123456789ABCDEF";

bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

void AppendEncoded(std::string& out, std::string_view text, bool slash_is_literal) {
  for (char c : text) {
    if (IsUnreserved(c) || (slash_is_literal && c == '/')) {
      out.push_back(c);
    } else {
      auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0x0f]);
    }
  }
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;  // lower case is not canonical
}

Result<std::string> Decode(std::string_view text, bool slash_is_literal, const char* part) {
  const auto malformed = [part] {
    return InvalidArgument(std::string("identity URI: the ") + part +
                           " is not canonically percent-encoded");
  };
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (IsUnreserved(c) || (slash_is_literal && c == '/')) {
      out.push_back(c);
      continue;
    }
    if (c != '%' || i + 2 >= text.size()) return malformed();
    int high = HexValue(text[i + 1]);
    int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return malformed();
    char decoded = static_cast<char>(high * 16 + low);
    if (IsUnreserved(decoded) || (slash_is_literal && decoded == '/')) return malformed();
    out.push_back(decoded);
    i += 2;
  }
  return out;
}

// DecodeNext takes one code point off valid UTF-8.
char32_t DecodeNext(std::string_view& text) {
  auto first = static_cast<unsigned char>(text.front());
  std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t out = size == 1 ? first : first & (0x7Fu >> size);
  for (char c : text.substr(1, size - 1)) out = out << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  text.remove_prefix(size);
  return out;
}

// An origin must read the same to people and to programs: no controls, no spaces (Unicode 15,
// White_Space), and none of the marks that take no room or turn the direction of writing.
bool IsInvisible(char32_t c) {
  return c <= 0x20 || (c >= 0x7F && c <= 0xA0) || c == 0xAD || c == 0x61C || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) ||
         (c >= 0x205F && c <= 0x206F) || c == 0x3000 || c == 0xFEFF;
}

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kPatient:
      return "patient";
    case Role::kClinician:
      return "clinician";
    case Role::kPharmacist:
      return "pharmacist";
    case Role::kFinance:
      return "finance";
    case Role::kPartner:
      return "partner";
    case Role::kResearcher:
      return "researcher";
    case Role::kAuditor:
      return "auditor";
    case Role::kSource:
      return "source";
    case Role::kOfficer:
      return "officer";
    case Role::kRegistrar:
      return "registrar";
    case Role::kCustodian:
      return "custodian";
    case Role::kServer:
      return "server";
    case Role::kWitness:
      return "witness";
  }
  return "";
}

Result<Role> ParseRole(std::string_view text) {
  for (Role role : kAllRoles) {
    if (RoleName(role) == text) return role;
  }
  return InvalidArgument(
      "unknown role: use patient, clinician, pharmacist, finance, partner, researcher, auditor, "
      "source, officer, registrar, custodian, server or witness");
}

bool IsPerson(Role role) {
  return role != Role::kAuditor && role != Role::kSource && role != Role::kServer &&
         role != Role::kWitness;
}

bool NeedsEncryptionKey(Role role) {
  return role != Role::kSource && role != Role::kServer && role != Role::kWitness;
}

Result<void> ValidateOrigin(std::string_view origin) {
  if (origin.empty()) return InvalidArgument("origin: empty");
  if (origin.size() > kMaxOriginBytes) return InvalidArgument("origin: longer than 255 bytes");
  if (!IsValidUtf8(origin)) return InvalidArgument("origin: not valid UTF-8");
  for (std::string_view rest = origin; !rest.empty();) {
    char32_t c = DecodeNext(rest);
    if (IsInvisible(c) || c == '+') {
      return InvalidArgument("origin: holds a space, a control or invisible character, or '+'");
    }
  }
  if (origin.front() == '/' || origin.back() == '/' ||
      origin.find("//") != std::string_view::npos) {
    return InvalidArgument("origin: holds an empty path segment");
  }
  return {};
}

Result<Identity> Identity::Create(std::string origin, Role role, std::string id) {
  TRY_VOID(ValidateOrigin(origin));
  TRY_VOID(ValidateIdText(id));
  return Identity{std::move(origin), role, std::move(id)};
}

Result<Identity> Identity::Parse(std::string_view uri) {
  if (uri.size() > kMaxUriBytes) return InvalidArgument("identity URI: too long");
  if (!uri.starts_with(kPrefix)) {
    return InvalidArgument("identity URI: does not begin with urn:salus:");
  }
  std::string_view rest = uri.substr(kPrefix.size());
  std::size_t first = rest.find(':');
  std::size_t second = first == std::string_view::npos ? first : rest.find(':', first + 1);
  if (second == std::string_view::npos) {
    return InvalidArgument("identity URI: is not urn:salus:<origin>:<role>:<id>");
  }
  TRY(std::string origin, Decode(rest.substr(0, first), true, "origin"));
  TRY(Role role, ParseRole(rest.substr(first + 1, second - first - 1)));
  TRY(std::string id, Decode(rest.substr(second + 1), false, "id"));
  return Create(std::move(origin), role, std::move(id));
}

Result<std::string> Identity::ToUri() const {
  TRY_VOID(ValidateOrigin(origin));
  TRY_VOID(ValidateIdText(id));
  std::string out(kPrefix);
  AppendEncoded(out, origin, true);
  out.push_back(':');
  out += RoleName(role);
  out.push_back(':');
  AppendEncoded(out, id, false);
  return out;
}

}  // namespace salus::pki
