public class App {
    public static void main(String[] arguments) throws Exception {
        Process tool = new ProcessBuilder("jps", "-l").redirectErrorStream(true).start();
        System.out.println("processes listed: " + (tool.waitFor() == 0));
    }
}
