#include "proxy/head_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "http/date.h"
#include "http/head_lines.h"

namespace salus::proxy {
namespace {

using http::EqualIgnoreCase;

// Role is what becomes of a field on its way.
enum class Role {
  kPass,
  kHop,        // of this hop: left out
  kProxyOnly,  // only the proxy may say it: left out, then said
  kConnection,
  kUpgrade,
  kHost,
  kContentLength,
  kHsts,
};

struct KnownField {
  std::string_view name;
  Role role;
};

constexpr std::array<KnownField, 18> kKnown{{{"connection", Role::kConnection},
                                             {"upgrade", Role::kUpgrade},
                                             {"host", Role::kHost},
                                             {"content-length", Role::kContentLength},
                                             {"transfer-encoding", Role::kHop},
                                             {"keep-alive", Role::kHop},
                                             {"proxy-connection", Role::kHop},
                                             {"proxy-authorization", Role::kHop},
                                             {"te", Role::kHop},
                                             {"trailer", Role::kHop},
                                             {"expect", Role::kHop},
                                             {"http2-settings", Role::kHop},
                                             {"proxy", Role::kProxyOnly},
                                             {"forwarded", Role::kProxyOnly},
                                             {"x-forwarded", Role::kProxyOnly},
                                             {"x-real-ip", Role::kProxyOnly},
                                             {"true-client-ip", Role::kProxyOnly},
                                             {"strict-transport-security", Role::kHsts}}};

// What a name looks like to a backend that reads it through CGI: case is lost, and so is which
// character it was, where it is neither letter nor digit. Some keep _ only, some take all for _.
char Normal(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c + 32);
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-';
}

bool StartsWithNormal(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() &&
         std::equal(prefix.begin(), prefix.end(), name.begin(),
                    [](char want, char have) { return want == Normal(have); });
}

Role RoleOf(std::string_view name) {
  for (const KnownField& known : kKnown) {
    if (known.name.size() != name.size() || !StartsWithNormal(name, known.name)) continue;
    // Spelled otherwise it is not the field itself, only something that may be taken for it.
    return EqualIgnoreCase(name, known.name) ? known.role : Role::kHop;
  }
  if (StartsWithNormal(name, "x-forwarded-") || StartsWithNormal(name, "x-salus-")) {
    return Role::kProxyOnly;
  }
  return Role::kPass;
}

template <typename Each>
void ForEachToken(std::string_view list, const Each& each) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (!item.empty()) each(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

bool IsNamedByConnection(const std::vector<http::FieldView>& fields, std::string_view name) {
  return std::any_of(fields.begin(), fields.end(), [&](const http::FieldView& field) {
    return EqualIgnoreCase(field.name, "connection") && http::HasToken(field.value, name);
  });
}

void PutField(const http::FieldView& field, Bytes& out) {
  Put(out, field.name);
  Put(out, ": ");
  Put(out, field.value);
  Put(out, "\r\n");
}

void PutOrigin(const Origin& origin, std::string_view host, Bytes& out) {
  const bool is_v6 = origin.address.find(':') != std::string_view::npos;
  for (const std::string_view name : {"X-Forwarded-For: ", "X-Real-IP: "}) {
    Put(out, name);
    Put(out, origin.address);
    Put(out, "\r\n");
  }
  Put(out, "X-Forwarded-Proto: https\r\nX-Forwarded-Host: ");
  Put(out, host);
  Put(out, is_v6 ? "\r\nForwarded: for=\"[" : "\r\nForwarded: for=");
  Put(out, origin.address);
  // A host holds no quote: the parser has refused it.
  Put(out, is_v6 ? "]\";host=\"" : ";host=\"");
  Put(out, host);
  Put(out, "\";proto=https\r\nVia: 1.1 salus\r\n");
  Put(out, origin.identity_lines);
}

void PutStatusLine(const http::ResponseHead& response, Bytes& out) {
  Put(out, "HTTP/1.1 ");
  PutNumber(out, static_cast<std::uint64_t>(response.status));
  Put(out, " ");
  Put(out, response.reason);
  Put(out, "\r\n");
}

bool NamesFields(const std::vector<http::FieldView>& fields) {
  bool found = false;
  for (const http::FieldView& field : fields) {
    if (!EqualIgnoreCase(field.name, "connection")) continue;
    ForEachToken(field.value, [&](std::string_view token) {
      found = found || (!EqualIgnoreCase(token, "close") && !EqualIgnoreCase(token, "keep-alive"));
    });
  }
  return found;
}

void PutPassedFields(const http::ResponseHead& response, bool drops_hsts, bool has_body,
                     Bytes& out) {
  const bool names_fields = NamesFields(response.fields);
  for (const http::FieldView& field : response.fields) {
    const Role role = RoleOf(field.name);
    const bool passes = role == Role::kPass || role == Role::kProxyOnly || role == Role::kHost ||
                        (role == Role::kHsts && !drops_hsts) ||
                        (role == Role::kUpgrade && response.status == 426) ||
                        (role == Role::kContentLength && !has_body && response.status != 204);
    if (!passes || (names_fields && IsNamedByConnection(response.fields, field.name))) continue;
    PutField(field, out);
  }
}

}  // namespace

void PutNumber(Bytes& out, std::uint64_t number, int base) {
  std::array<char, 24> text;
  const auto [end, failed] = std::to_chars(text.data(), text.data() + text.size(), number, base);
  Put(out, {text.data(), static_cast<std::size_t>(end - text.data())});
}

std::optional<http::Refusal> InspectRequest(const http::Request& request,
                                            const http::Framing& framing, RequestNotes& notes) {
  bool names_upgrade = false;
  bool names_needed = false;
  int upgrades = 0;
  bool is_websocket = false;
  for (const auto& [name, value] : request.fields) {
    const Role role = RoleOf(name);
    if (role == Role::kHost) {
      notes.host = value;
    } else if (role == Role::kUpgrade) {
      ++upgrades;
      is_websocket = EqualIgnoreCase(value, "websocket");
    } else if (role == Role::kConnection) {
      ForEachToken(value, [&](std::string_view token) {
        if (EqualIgnoreCase(token, "close") || EqualIgnoreCase(token, "keep-alive")) return;
        if (EqualIgnoreCase(token, "upgrade")) {
          names_upgrade = true;
          return;
        }
        const Role named = RoleOf(token);
        names_needed = names_needed || named == Role::kHost || named == Role::kContentLength ||
                       named == Role::kConnection || EqualIgnoreCase(token, "transfer-encoding");
        notes.names_fields = notes.names_fields || named == Role::kPass;
      });
    }
  }
  if (notes.host.empty() && !framing.http10) {
    return http::Refusal{400, "there must be one well-formed Host field"};
  }
  if (names_needed) return http::Refusal{400, "Connection names a field that it may not"};
  notes.upgrades = names_upgrade && upgrades == 1 && is_websocket && !framing.http10 &&
                   request.method == http::Method::kGet && framing.content_length == 0u;
  return std::nullopt;
}

void PutRequestHead(const http::Request& request, const http::Framing& framing,
                    const RequestNotes& notes, const Origin& origin, Bytes& out) {
  Put(out, request.method_token);
  Put(out, " ");
  Put(out, request.target);
  Put(out, " HTTP/1.1\r\nHost: ");
  const std::string_view host = notes.host.empty() ? origin.backend_host : notes.host;
  Put(out, host);
  Put(out, "\r\n");
  bool gave_length = false;
  for (const http::FieldView& field : request.fields) {
    const Role role = RoleOf(field.name);
    gave_length = gave_length || role == Role::kContentLength;
    const bool passes = role == Role::kPass || role == Role::kHsts;
    if (!passes || (notes.names_fields && IsNamedByConnection(request.fields, field.name))) {
      continue;
    }
    PutField(field, out);
  }
  PutOrigin(origin, host, out);
  if (framing.expects_continue) Put(out, "Expect: 100-continue\r\n");
  if (framing.chunked) {
    Put(out, "Transfer-Encoding: chunked\r\n");
  } else if (gave_length) {
    Put(out, "Content-Length: ");
    PutNumber(out, framing.content_length.value_or(0));
    Put(out, "\r\n");
  }
  Put(out, notes.upgrades ? "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n" : "\r\n");
}

void PutResponseHead(const http::ResponseHead& response, const AnswerFraming& framing,
                     std::string_view hsts_line, Bytes& out) {
  PutStatusLine(response, out);
  PutPassedFields(response, !hsts_line.empty(), framing.has_body, out);
  Put(out, hsts_line);
  if (framing.chunked) {
    Put(out, "Transfer-Encoding: chunked\r\n");
  } else if (framing.has_body && framing.content_length) {
    Put(out, "Content-Length: ");
    PutNumber(out, *framing.content_length);
    Put(out, "\r\n");
  }
  Put(out, framing.close ? "Connection: close\r\n\r\n" : "\r\n");
}

void PutInterimHead(const http::ResponseHead& response, Bytes& out) {
  PutStatusLine(response, out);
  PutPassedFields(response, true, true, out);
  Put(out, "\r\n");
}

void PutSwitchHead(const http::ResponseHead& response, Bytes& out) {
  PutStatusLine(response, out);
  PutPassedFields(response, true, true, out);
  Put(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

void PutOwnResponse(const http::Response& response, bool is_head, bool close,
                    std::string_view hsts_line, Bytes& out) {
  Put(out, "HTTP/1.1 ");
  PutNumber(out, static_cast<std::uint64_t>(response.status));
  Put(out, " ");
  Put(out, http::ReasonPhrase(response.status));
  Put(out, "\r\n");
  for (const auto& [name, value] : response.headers) PutField({name, value}, out);
  PutField({"Date", http::DateText()}, out);
  Put(out, hsts_line);
  Put(out, "Content-Length: ");
  PutNumber(out, response.body.size());
  Put(out, close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  if (!is_head) Put(out, response.body);
}

bool IsWebSocketSwitch(const http::ResponseHead& response) {
  int upgrades = 0;
  bool is_websocket = false;
  bool names_upgrade = false;
  for (const auto& [name, value] : response.fields) {
    if (EqualIgnoreCase(name, "upgrade")) {
      ++upgrades;
      is_websocket = EqualIgnoreCase(value, "websocket");
    } else if (EqualIgnoreCase(name, "connection")) {
      names_upgrade = names_upgrade || http::HasToken(value, "upgrade");
    }
  }
  return upgrades == 1 && is_websocket && names_upgrade;
}

}  // namespace salus::proxy
