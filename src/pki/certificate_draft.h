// Not a public header. What every certificate that this module makes has in common, before its
// extensions and its signature.
#pragma once

#include "base/random.h"
#include "base/result.h"
#include "pki/authority.h"
#include "pki/openssl_handles.h"

namespace salus::pki {

// StartCertificate fills in all that has nothing to do with extensions.
Result<X509Handle> StartCertificate(const X509_name_st* subject, const X509_name_st* issuer,
                                    evp_pkey_st* key, const Validity& validity,
                                    RandomSource& random);

}  // namespace salus::pki
