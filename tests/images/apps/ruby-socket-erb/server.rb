# frozen_string_literal: true

require "erb"
require "optparse"
require "socket"
require_relative "lib/menu"

port = 4567
OptionParser.new { |options| options.on("-p PORT", Integer) { |number| port = number } }.parse!
page = ERB.new(File.read(File.join(__dir__, "views/menu.erb")), trim_mode: "-")
trap("TERM") { exit }

server = TCPServer.new("0.0.0.0", port)
loop do
  client = server.accept
  nil until client.gets.to_s.strip.empty?
  body = page.result_with_hash(menu: MENU)
  client.write("HTTP/1.1 200 OK\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}")
  client.close
end
