package batch;

final class Numbers {
    private Numbers() {}

    static long parse(String text) {
        return Long.decode(text.strip());
    }
}
