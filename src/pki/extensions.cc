#include "pki/extensions.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "base/c_handle.h"
#include "base/check.h"
#include "crypto/sha256.h"
#include "pki/certificate.h"

namespace salus::pki {
namespace {

struct StackFree {
  void operator()(STACK_OF(X509_EXTENSION) * p) const {
    sk_X509_EXTENSION_pop_free(p, X509_EXTENSION_free);
  }
};
using ExtensionStack = std::unique_ptr<STACK_OF(X509_EXTENSION), StackFree>;

using ObjectHandle = CHandle<ASN1_OBJECT, ASN1_OBJECT_free>;
using NamesHandle = CHandle<GENERAL_NAMES, GENERAL_NAMES_free>;
using NameConstraintsHandle = CHandle<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using OctetsHandle = CHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
struct PointsFree {
  void operator()(STACK_OF(DIST_POINT) * p) const { sk_DIST_POINT_pop_free(p, DIST_POINT_free); }
};
using PointsHandle = std::unique_ptr<STACK_OF(DIST_POINT), PointsFree>;
using BitsHandle = CHandle<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using ExtensionHandle = CHandle<X509_EXTENSION, X509_EXTENSION_free>;

Error OutOfMemory() {
  ERR_clear_error();
  return Internal("OpenSSL could not build an extension");
}

Result<void> PushText(GENERAL_NAMES* names, int type, std::string_view text) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_IA5STRING* value = ASN1_IA5STRING_new();
  if (name == nullptr || value == nullptr ||
      ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_IA5STRING_free(value);
    return OutOfMemory();
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) <= 0) {
    GENERAL_NAME_free(name);
    return OutOfMemory();
  }
  return {};
}

Result<void> PushIp(GENERAL_NAMES* names, ByteSpan ip) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  if (name == nullptr || value == nullptr ||
      ASN1_OCTET_STRING_set(value, ip.data(), static_cast<int>(ip.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_OCTET_STRING_free(value);
    return OutOfMemory();
  }
  GENERAL_NAME_set0_value(name, GEN_IPADD, value);
  if (sk_GENERAL_NAME_push(names, name) <= 0) {
    GENERAL_NAME_free(name);
    return OutOfMemory();
  }
  return {};
}

Result<std::string> ReadText(const ASN1_STRING* value) {
  std::string text(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                   static_cast<std::size_t>(ASN1_STRING_length(value)));
  if (std::ranges::any_of(text, [](char c) { return c <= 0x20 || c == 0x7f; })) {
    return InvalidArgument(
        "subject alternative name: holds a control character, a space or a byte that is not ASCII");
  }
  return text;
}

Result<AlternativeNames> ReadNames(const GENERAL_NAMES* names) {
  AlternativeNames out;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    int type = -1;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type));
    if (type == GEN_URI) {
      TRY(std::string text, ReadText(value));
      out.uris.push_back(std::move(text));
    } else if (type == GEN_DNS) {
      TRY(std::string text, ReadText(value));
      out.dns.push_back(std::move(text));
    } else if (type == GEN_IPADD) {
      ByteSpan ip{ASN1_STRING_get0_data(value),
                  static_cast<std::size_t>(ASN1_STRING_length(value))};
      if (ip.size() != 4 && ip.size() != 16) {
        return InvalidArgument("subject alternative name: an IP address is 4 or 16 bytes");
      }
      out.ips.push_back(ToBytes(ip));
    }
  }
  return out;
}

Result<AlternativeNames> ReadAlternativeNames(const STACK_OF(X509_EXTENSION) * list) {
  int critical = -1;
  NamesHandle names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(list, NID_subject_alt_name, &critical, nullptr)));
  if (!names) {
    ERR_clear_error();
    if (critical == -1) return AlternativeNames{};
    return InvalidArgument("subject alternative name: malformed or there twice");
  }
  return ReadNames(names.get());
}

// The value of an extension of ours; what names it in errors.
Result<std::optional<Bytes>> ReadOwn(const STACK_OF(X509_EXTENSION) * list, const char* oid,
                                     std::string_view what) {
  ObjectHandle object(OBJ_txt2obj(oid, 1));
  if (!object) return OutOfMemory();
  int at = X509v3_get_ext_by_OBJ(list, object.get(), -1);
  if (at < 0) return std::optional<Bytes>();
  if (X509v3_get_ext_by_OBJ(list, object.get(), at) >= 0) {
    return InvalidArgument(std::string(what) + ": the extension is there twice");
  }
  const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(sk_X509_EXTENSION_value(list, at));
  return std::optional<Bytes>(
      ToBytes({ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))}));
}

// X509_REQ_get_extensions gives null for "none" and for "malformed"; a request with an extension
// attribute must give a list.
Result<ExtensionStack> RequestExtensions(X509_REQ* request) {
  ExtensionStack list(X509_REQ_get_extensions(request));
  ERR_clear_error();
  if (list) return list;
  if (X509_REQ_get_attr_by_NID(request, NID_ext_req, -1) >= 0) {
    return InvalidArgument("certification request: its extensions are malformed");
  }
  return ExtensionStack(sk_X509_EXTENSION_new_null());
}

}  // namespace

Result<void> ValidateDnsName(std::string_view name) {
  const auto malformed = [] {
    return InvalidArgument(
        "DNS name: use lower-case labels of letters, digits and hyphens, without wildcards");
  };
  if (name.empty() || name.size() > 253) return malformed();
  std::size_t start = 0;
  while (start <= name.size()) {
    std::size_t stop = std::min(name.find('.', start), name.size());
    std::string_view label = name.substr(start, stop - start);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        })) {
      return malformed();
    }
    start = stop + 1;
  }
  return {};
}

Result<Bytes> ParseIpName(std::string_view text) {
  std::array<std::uint8_t, 16> out{};
  std::string terminated(text);
  if (text.find('\0') == std::string_view::npos) {
    if (inet_pton(AF_INET, terminated.c_str(), out.data()) == 1) {
      return ToBytes(ByteSpan(out).first(4));
    }
    if (inet_pton(AF_INET6, terminated.c_str(), out.data()) == 1) return ToBytes(ByteSpan(out));
  }
  return InvalidArgument("IP address: use 192.0.2.1 or 2001:db8::1");
}

std::string FormatIpName(ByteSpan bytes) {
  CHECK(bytes.size() == 4 || bytes.size() == 16);
  std::array<char, INET6_ADDRSTRLEN> out{};
  inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), out.data(), out.size());
  return out.data();
}

ExtensionList::ExtensionList() : list_(sk_X509_EXTENSION_new_null()) { CHECK(list_ != nullptr); }
ExtensionList::~ExtensionList() { StackFree()(list_); }

Result<void> ExtensionList::Add(int nid, void* value, bool is_critical) {
  if (value == nullptr ||
      X509V3_add1_i2d(&list_, nid, value, is_critical ? 1 : 0, X509V3_ADD_DEFAULT) != 1) {
    return OutOfMemory();
  }
  return {};
}

Result<void> ExtensionList::AddAlternativeNames(const AlternativeNames& names, bool is_critical) {
  NamesHandle out(GENERAL_NAMES_new());
  if (!out) return OutOfMemory();
  for (const std::string& uri : names.uris) TRY_VOID(PushText(out.get(), GEN_URI, uri));
  for (const std::string& dns : names.dns) TRY_VOID(PushText(out.get(), GEN_DNS, dns));
  for (const Bytes& ip : names.ips) TRY_VOID(PushIp(out.get(), ip));
  return Add(NID_subject_alt_name, out.get(), is_critical);
}

Result<void> ExtensionList::AddLeafConstraints() {
  BASIC_CONSTRAINTS constraints{};
  return Add(NID_basic_constraints, &constraints, true);
}

Result<void> ExtensionList::AddAuthorityConstraints(std::optional<int> path_length) {
  CHandle<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free> constraints(BASIC_CONSTRAINTS_new());
  if (!constraints) return OutOfMemory();
  constraints->ca = 0xff;
  if (path_length.has_value()) {
    constraints->pathlen = ASN1_INTEGER_new();
    if (constraints->pathlen == nullptr ||
        ASN1_INTEGER_set(constraints->pathlen, *path_length) != 1) {
      return OutOfMemory();
    }
  }
  return Add(NID_basic_constraints, constraints.get(), true);
}

Result<void> ExtensionList::AddKeyUsage(KeyUsage usage) {
  BitsHandle bits(ASN1_BIT_STRING_new());
  if (!bits) return OutOfMemory();
  // Bit numbers of RFC 5280 section 4.2.1.3.
  if (usage != KeyUsage::kRootAuthority) ASN1_BIT_STRING_set_bit(bits.get(), 0, 1);
  if (usage != KeyUsage::kDigitalSignature) {
    ASN1_BIT_STRING_set_bit(bits.get(), 5, 1);  // keyCertSign
    ASN1_BIT_STRING_set_bit(bits.get(), 6, 1);  // cRLSign
  }
  return Add(NID_key_usage, bits.get(), true);
}

Result<void> ExtensionList::AddExtendedKeyUsage(Purpose purpose) {
  CHandle<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free> usage(EXTENDED_KEY_USAGE_new());
  // The objects are OpenSSL's static ones; freeing them with the stack does nothing.
  const int nid = purpose == Purpose::kServer    ? NID_server_auth
                  : purpose == Purpose::kSigning ? NID_email_protect
                                                 : NID_client_auth;
  ASN1_OBJECT* object = OBJ_nid2obj(nid);
  if (!usage || sk_ASN1_OBJECT_push(usage.get(), object) <= 0) return OutOfMemory();
  return Add(NID_ext_key_usage, usage.get(), false);
}

Result<void> ExtensionList::AddSubjectKeyId(const x509_st* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  crypto::Hash32 hash = crypto::Sha256(
      ByteSpan(ASN1_STRING_get0_data(bits), static_cast<std::size_t>(ASN1_STRING_length(bits))));
  OctetsHandle id(ASN1_OCTET_STRING_new());
  if (!id || ASN1_OCTET_STRING_set(id.get(), hash.data(), 20) != 1) return OutOfMemory();
  return Add(NID_subject_key_identifier, id.get(), false);
}

Result<void> ExtensionList::AddAuthorityKeyId(const x509_st* issuer) {
  const ASN1_OCTET_STRING* issuer_id = X509_get0_subject_key_id(const_cast<X509*>(issuer));
  if (issuer_id == nullptr) {
    return InvalidArgument("the issuer's certificate has no subject key identifier");
  }
  CHandle<AUTHORITY_KEYID, AUTHORITY_KEYID_free> id(AUTHORITY_KEYID_new());
  if (!id) return OutOfMemory();
  id->keyid = ASN1_OCTET_STRING_dup(issuer_id);
  return Add(NID_authority_key_identifier, id.get(), false);
}

Result<void> ExtensionList::AddPermittedDnsNames(const std::vector<std::string>& names) {
  NameConstraintsHandle constraints(NAME_CONSTRAINTS_new());
  if (!constraints) return OutOfMemory();
  constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  if (constraints->permittedSubtrees == nullptr) return OutOfMemory();
  for (const std::string& text : names) {
    TRY_VOID(ValidateDnsName(text));
    CHandle<GENERAL_SUBTREE, GENERAL_SUBTREE_free> tree(GENERAL_SUBTREE_new());
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    if (!tree || value == nullptr ||
        ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
      ASN1_IA5STRING_free(value);
      return OutOfMemory();
    }
    GENERAL_NAME_set0_value(tree->base, GEN_DNS, value);
    if (sk_GENERAL_SUBTREE_push(constraints->permittedSubtrees, tree.get()) <= 0) {
      return OutOfMemory();
    }
    (void)tree.release();  // the stack owns it
  }
  return Add(NID_name_constraints, constraints.get(), true);
}

Result<void> ExtensionList::AddRevocationListUrls(const std::vector<std::string>& urls) {
  PointsHandle points(sk_DIST_POINT_new_null());
  CHandle<DIST_POINT, DIST_POINT_free> point(DIST_POINT_new());
  CHandle<DIST_POINT_NAME, DIST_POINT_NAME_free> name(DIST_POINT_NAME_new());
  NamesHandle names(GENERAL_NAMES_new());
  if (!points || !point || !name || !names) return OutOfMemory();
  for (const std::string& url : urls) {
    if (!url.starts_with("http://")) {
      return InvalidArgument("revocation list: its address begins with http://");
    }
    TRY_VOID(PushText(names.get(), GEN_URI, url));
  }
  name->type = 0;  // fullName
  name->name.fullname = names.release();
  point->distpoint = name.release();
  if (sk_DIST_POINT_push(points.get(), point.get()) <= 0) return OutOfMemory();
  (void)point.release();  // the stack owns it
  return Add(NID_crl_distribution_points, points.get(), false);
}

Result<void> ExtensionList::AddOcspUrls(const std::vector<std::string>& urls) {
  CHandle<AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free> access(AUTHORITY_INFO_ACCESS_new());
  if (!access) return OutOfMemory();
  for (const std::string& url : urls) {
    if (!url.starts_with("http://")) {
      return InvalidArgument("OCSP: its address begins with http://");
    }
    CHandle<ACCESS_DESCRIPTION, ACCESS_DESCRIPTION_free> place(ACCESS_DESCRIPTION_new());
    ASN1_IA5STRING* value = ASN1_IA5STRING_new();
    if (!place || value == nullptr ||
        ASN1_STRING_set(value, url.data(), static_cast<int>(url.size())) != 1) {
      ASN1_IA5STRING_free(value);
      return OutOfMemory();
    }
    ASN1_OBJECT_free(place->method);
    place->method = OBJ_nid2obj(NID_ad_OCSP);  // OpenSSL's static one
    GENERAL_NAME_set0_value(place->location, GEN_URI, value);
    if (sk_ACCESS_DESCRIPTION_push(access.get(), place.get()) <= 0) return OutOfMemory();
    (void)place.release();  // the stack owns it
  }
  return Add(NID_info_access, access.get(), false);
}

Result<void> ExtensionList::AddAcmeIdentifier(const crypto::Hash32& digest) {
  Bytes value = {0x04, static_cast<std::uint8_t>(digest.size())};  // an OCTET STRING
  Append(value, digest);
  return AddOther("1.3.6.1.5.5.7.1.31", value, /*is_critical=*/true);
}

Result<void> ExtensionList::AddEncryptionKey(const crypto::P256PublicKey& key) {
  return AddOther(kEncryptionKeyOid, crypto::EncodePublicKeyDer(key), /*is_critical=*/false);
}

Result<void> ExtensionList::AddEncryptionKeyProof(ByteSpan signature) {
  return AddOther(kEncryptionKeyProofOid, signature, /*is_critical=*/false);
}

Result<void> ExtensionList::AddOther(const char* oid, ByteSpan bytes, bool is_critical) {
  ObjectHandle object(OBJ_txt2obj(oid, 1));
  OctetsHandle value(ASN1_OCTET_STRING_new());
  if (!object || !value ||
      ASN1_OCTET_STRING_set(value.get(), bytes.data(), static_cast<int>(bytes.size())) != 1) {
    return OutOfMemory();
  }
  ExtensionHandle extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), is_critical ? 1 : 0, value.get()));
  if (!extension || sk_X509_EXTENSION_push(list_, extension.get()) <= 0) return OutOfMemory();
  (void)extension.release();  // the stack owns it
  return {};
}

Result<void> ExtensionList::AttachTo(x509_st* certificate) const {
  for (int i = 0; i < sk_X509_EXTENSION_num(list_); ++i) {
    if (X509_add_ext(certificate, sk_X509_EXTENSION_value(list_, i), -1) != 1) return OutOfMemory();
  }
  return {};
}

Result<void> ExtensionList::AttachTo(X509_req_st* request) const {
  if (sk_X509_EXTENSION_num(list_) == 0) return {};
  if (X509_REQ_add_extensions(request, list_) != 1) return OutOfMemory();
  return {};
}

Result<AlternativeNames> ReadAlternativeNames(const x509_st* certificate) {
  return ReadAlternativeNames(X509_get0_extensions(certificate));
}
Result<AlternativeNames> ReadAlternativeNames(X509_req_st* request) {
  TRY(ExtensionStack list, RequestExtensions(request));
  return ReadAlternativeNames(list.get());
}
Result<std::optional<Bytes>> ReadEncryptionKeyInfo(const x509_st* certificate) {
  return ReadOwn(X509_get0_extensions(certificate), kEncryptionKeyOid, "encryption key");
}
Result<std::optional<Bytes>> ReadEncryptionKeyInfo(X509_req_st* request) {
  TRY(ExtensionStack list, RequestExtensions(request));
  return ReadOwn(list.get(), kEncryptionKeyOid, "encryption key");
}
Result<std::optional<Bytes>> ReadEncryptionKeyProof(X509_req_st* request) {
  TRY(ExtensionStack list, RequestExtensions(request));
  return ReadOwn(list.get(), kEncryptionKeyProofOid, "proof of the encryption key");
}

}  // namespace salus::pki
