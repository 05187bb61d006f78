package batch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Sum {
    public static void main(String[] arguments) throws IOException {
        long sum = 0;
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            sum += Numbers.parse(line);
        }
        System.out.println(System.getProperty("user.name") + " " + sum);
    }
}
