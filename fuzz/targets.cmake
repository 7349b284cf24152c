salus_fuzz(NAME identity_fuzz DEPS pki)
salus_fuzz(NAME certificate_fuzz DEPS pki)
salus_fuzz(NAME certification_request_fuzz DEPS pki)
