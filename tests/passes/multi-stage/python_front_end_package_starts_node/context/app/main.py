import execjs
