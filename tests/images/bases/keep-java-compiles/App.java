import javax.tools.ToolProvider;

public class App {
    public static void main(String[] arguments) {
        System.out.println("compiler " + ToolProvider.getSystemJavaCompiler().getSourceVersions().size());
    }
}
