import ssl

import requests.certs

context = ssl.create_default_context()
count = context.cert_store_stats()["x509_ca"]
print("system store:", "yes" if count > 50 else f"no, {count}")
print("requests store:", "yes" if open(requests.certs.where()).read().count("BEGIN CERTIFICATE") > 50 else "no")
