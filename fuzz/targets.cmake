salus_fuzz(NAME jwk_fuzz DEPS jose)
salus_fuzz(NAME jws_fuzz DEPS jose)
salus_fuzz(NAME jwe_fuzz DEPS jose)
salus_fuzz(NAME secure_message_fuzz DEPS jose)
