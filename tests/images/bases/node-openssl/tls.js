const fs = require("fs");
const { X509Certificate } = require("crypto");

const certificate = new X509Certificate(fs.readFileSync("/tmp/cert.pem"));
console.log("certificate for", certificate.subject.replace("CN=", ""));
