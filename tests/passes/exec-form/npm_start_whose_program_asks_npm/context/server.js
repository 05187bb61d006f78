console.log(process.env.npm_package_version);
