package app;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

public final class Main {
    private static final Properties BOOKS = new Properties();

    public static void main(String[] arguments) throws IOException {
        try (InputStream file = Main.class.getResourceAsStream("resources/books.properties")) {
            BOOKS.load(file);
        }
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", Main::answer);
        server.start();
    }

    private static void answer(HttpExchange exchange) throws IOException {
        String title = BOOKS.getProperty(exchange.getRequestURI().getPath().substring(1));
        byte[] body = (title == null ? "no such book" : title).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(title == null ? 404 : 200, body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }
}
