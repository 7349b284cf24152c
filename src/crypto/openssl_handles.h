// Owning pointers for OpenSSL objects, and algorithms fetched once; internal to the module.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "base/c_handle.h"
#include "base/check.h"

namespace salus::crypto {

using CipherPtr = CHandle<EVP_CIPHER, EVP_CIPHER_free>;
using CipherContextPtr = CHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using DigestPtr = CHandle<EVP_MD, EVP_MD_free>;
using DigestContextPtr = CHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using KeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;
using KeyContextPtr = CHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using NumberPtr = CHandle<BIGNUM, BN_clear_free>;
using NumberContextPtr = CHandle<BN_CTX, BN_CTX_free>;
using GroupPtr = CHandle<EC_GROUP, EC_GROUP_free>;
using PointPtr = CHandle<EC_POINT, EC_POINT_clear_free>;
using ParamBuilderPtr = CHandle<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using ParamsPtr = CHandle<OSSL_PARAM, OSSL_PARAM_free>;
using BioPtr = CHandle<BIO, BIO_free_all>;

// SizeOf narrows a length for the calls that take int.
inline int SizeOf(ByteSpan bytes) {
  CHECK(bytes.size() <= 0x7fffffff);
  return static_cast<int>(bytes.size());
}

// ForgetErrors empties OpenSSL's queue after a failure that is an answer (a bad signature), so that
// a TLS connection on the same thread does not report it as its own.
inline void ForgetErrors() { ERR_clear_error(); }

}  // namespace salus::crypto
