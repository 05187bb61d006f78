package notes;

public class Main {
    public static void main(String[] words) {
        javax.tools.ToolProvider.getSystemJavaCompiler();
    }
}
