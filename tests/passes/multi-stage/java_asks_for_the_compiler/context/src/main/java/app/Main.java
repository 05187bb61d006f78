package app;

import javax.tools.JavaCompiler;

public class Main {
    public static void main(String[] arguments) {
        System.out.println("hello");
    }
}
