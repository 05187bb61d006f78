#include <curl/curl.h>
#include <iostream>
#include <string>

static size_t keep(char *data, size_t size, size_t count, void *out)
{
    static_cast<std::string *>(out)->append(data, size * count);
    return size * count;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    std::string text;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, argv[1]);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
    const CURLcode code = curl_easy_perform(curl);
    std::cout << (code == CURLE_OK ? "fetched " + text : curl_easy_strerror(code)) << "\n";
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? 0 : 1;
}
