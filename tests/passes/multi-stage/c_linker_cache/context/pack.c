int pack(void); int main(void) { return pack(); }
