import jwt

print(jwt.encode({}, "key"))
