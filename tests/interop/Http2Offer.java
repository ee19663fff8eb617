// Java's own HttpClient with its defaults: it offers h2c with every request over http. Run: java Http2Offer.java URL

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.Pattern;

public class Http2Offer {
    static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        String chat = "{\"model\": \"o3-mini\", \"messages\": [{\"role\": \"user\", \"content\": \"weather\"}]}";
        for (int i = 0; i < 2; i++) {
            String answer = post(arguments[0] + "/aimlapi/v1/chat/completions", chat, "application/json").body();
            var content = Pattern.compile("\"content\":\\s*\"([^\"]*)\"").matcher(answer);
            System.out.println(content.find() ? content.group(1) : answer);
        }
        String fixture = "{match: {user: x}, response: y}";
        System.out.println(post(arguments[0] + "/_mock/fixtures", fixture, "application/yaml").statusCode());
    }

    static java.net.http.HttpResponse<String> post(String url, String body, String type) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(url))
            .header("Authorization", "Bearer any-key")
            .header("Content-Type", type)
            .POST(BodyPublishers.ofString(body))
            .build();
        return CLIENT.send(request, BodyHandlers.ofString());
    }
}
