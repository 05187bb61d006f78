require "sinatra"

get("/") { "hello" }
